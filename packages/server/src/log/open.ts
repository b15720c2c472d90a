import type { EventLog } from "./log.ts";
import type { EmbeddedLogOptions } from "./drivers/embedded.ts";

/** Where to keep events: which driver, and what it needs. */
export type LogOptions = { readonly driver: "embedded" } & EmbeddedLogOptions;

const drivers = {
  embedded: () => import("./drivers/embedded.ts").then((module) => module.embeddedLog),
} satisfies Record<LogOptions["driver"], () => Promise<(options: LogOptions) => Promise<EventLog>>>;

/** Opens the log. Only the driver that is asked for is loaded. Its own codes, DATA_DIR_LOCKED and such. */
export async function openLog(options: LogOptions): Promise<EventLog> {
  const open = await drivers[options.driver]();
  return open(options);
}
