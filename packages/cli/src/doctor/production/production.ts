import { VERSION } from "@nexus-functions/server/version";
import type { NexusClient } from "@nexus-functions/client/client";
import type { Cli } from "../../cli.ts";
import type { Finding } from "../finding.ts";
import { PRODUCTION_CHECKS } from "./checks.ts";
import { readDataDir } from "./data-dir.ts";
import { readMachine } from "./machine.ts";
import { readServed } from "./served.ts";
import type { Setup } from "./setup.ts";
import { readTokensFound } from "./tokens.ts";

type Known = Pick<Setup, "config" | "project" | "nats" | "natsFound">;

/** Looks at everything that a program can see of a production set-up. */
export async function checkProduction(
  { env, signal }: Cli,
  api: NexusClient,
  known: Known,
): Promise<readonly Finding[]> {
  const setup: Setup = {
    ...known,
    tokens: readTokensFound(env, known.config),
    machine: readMachine(),
    dataDir: await readDataDir(known.config.dataDir),
    served: await readServed(api, signal),
    url: api.url,
    version: VERSION,
  };
  return PRODUCTION_CHECKS.flatMap(({ name, look }) => {
    const verdict = look(setup);
    return verdict === undefined ? [] : [{ check: name, ...verdict }];
  });
}
