import type { NexusEvent } from "@nexus-functions/server/core/event";
import { uuidv7 } from "@nexus-functions/server/core/ids";
import type { Cli } from "../cli.ts";
import { readJson, readStdin } from "../input.ts";

export interface EventOptions {
  readonly event?: string;
  readonly data?: unknown;
  readonly type?: string;
}

const SOURCE = "/nexus/invoke";
const TEST_TYPE = "com.example.test";

/**
 * The event of a local run: the one named, one made of --data and --type, or, where neither is given,
 * whatever comes in, as it is.
 */
export async function localEvent(cli: Cli, options: EventOptions): Promise<NexusEvent> {
  const defaults = { id: uuidv7(Date.now()), source: SOURCE, time: new Date().toISOString() };
  const { event: file, data, type = TEST_TYPE } = options;
  const made = data !== undefined || options.type !== undefined;
  if (file === undefined && !made && !cli.stdin.isTTY) {
    return { ...defaults, type: TEST_TYPE, extensions: {}, json: await readStdin(cli) };
  }
  const { eventFromValue } = await import("@nexus-functions/server/core/cloudevents");
  if (file === undefined) {
    return eventFromValue({ type, ...(data === undefined ? {} : { data }) }, defaults);
  }
  return eventFromValue(await readJson(cli, file), defaults);
}
