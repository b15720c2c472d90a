import type { LogOptions } from "./open.ts";
import type { LogSource, LogTarget } from "./transfer.ts";

/** Opens a log to be read as a whole. Only the driver that is asked for is loaded. Its own codes. */
export async function openSource(options: LogOptions): Promise<LogSource> {
  if (options.driver === "nats") {
    return (await import("./drivers/nats/source.ts")).natsSource(options);
  }
  return (await import("./drivers/embedded/source.ts")).embeddedSource(options.dir);
}

/** Opens a log to import into. Only the driver that is asked for is loaded. Its own codes. */
export async function openTarget(options: LogOptions): Promise<LogTarget> {
  if (options.driver === "nats") {
    return (await import("./drivers/nats/target.ts")).natsTarget(options);
  }
  return (await import("./drivers/embedded/target.ts")).embeddedTarget(options.dir);
}
