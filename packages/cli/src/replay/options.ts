import type { Replay, WhatIf } from "@nexus-functions/client/api.gen";
import type { NexusClient } from "@nexus-functions/client/client";
import { CliError, type Cli } from "../cli.ts";
import { readInput } from "../input.ts";
import type { PartsOptions } from "../recording/parts.ts";
import type { ReadingOptions } from "../reading.ts";
import type { FailOn } from "../report/fail-on.ts";

export interface ReplayOptions extends ReadingOptions, PartsOptions {
  readonly function?: string;
  readonly since?: string;
  readonly until?: string;
  readonly type?: string;
  readonly status?: Replay["request"]["status"];
  readonly eventId?: readonly string[];
  readonly sample?: number;
  readonly limit?: number;
  /** A file. */
  readonly against?: string;
  readonly againstVersion?: string;
  readonly live?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly concurrency?: number;
  readonly rate?: number;
  readonly failOn?: FailOn;
  /** A file. */
  readonly report?: string;
  readonly setData?: WhatIf["set_data"];
  readonly setClock?: string;
  readonly setCall?: WhatIf["set_calls"];
}

/** Undefined: nothing is to be otherwise. */
export function whatIfOf({ setData, setClock, setCall }: ReplayOptions): WhatIf | undefined {
  if (setData === undefined && setClock === undefined && setCall === undefined) return undefined;
  return {
    ...(setData === undefined ? {} : { set_data: setData }),
    ...(setClock === undefined ? {} : { set_clock: setClock }),
    ...(setCall === undefined ? {} : { set_calls: setCall }),
  };
}

export type Against = Exclude<Replay["request"]["against"], { readonly live: true }>;

/** Sends the module to the server where it is a file. Undefined: there is no candidate. */
export async function candidateIn(
  cli: Cli,
  client: NexusClient,
  { against, againstVersion }: ReplayOptions,
): Promise<Against | undefined> {
  if (against !== undefined && againstVersion !== undefined) {
    throw new CliError("Cannot replay on both --against and --against-version", { exitCode: 2 });
  }
  if (againstVersion !== undefined) return { version: againstVersion };
  if (against === undefined) return undefined;
  return client.keepReplayModule(await readInput(cli, against));
}
