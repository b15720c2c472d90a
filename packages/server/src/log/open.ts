import type { EventLog } from "./log.ts";
import type { EmbeddedLogOptions } from "./drivers/embedded.ts";
import type { NatsLogOptions } from "./drivers/nats.ts";

/** Where to keep events: which driver, and what it needs. */
export type LogOptions =
  | ({ readonly driver: "embedded" } & EmbeddedLogOptions)
  | ({ readonly driver: "nats" } & NatsLogOptions);

const drivers = {
  embedded: async (options: EmbeddedLogOptions) =>
    (await import("./drivers/embedded.ts")).embeddedLog(options),
  nats: async (options: NatsLogOptions) => (await import("./drivers/nats.ts")).natsLog(options),
} satisfies Record<LogOptions["driver"], (options: never) => Promise<EventLog>>;

/** Opens the log. Only the driver that is asked for is loaded. Its own codes, DATA_DIR_LOCKED and such. */
export function openLog(options: LogOptions): Promise<EventLog> {
  return options.driver === "nats" ? drivers.nats(options) : drivers.embedded(options);
}
