import { JetStreamApiError } from "@nats-io/jetstream";
import { NexusError } from "../../../core/errors.ts";

/** Too few resources, in JetStream's numbers: of the server, of the account, of the stream. */
const FULL = new Set([10_023, 10_028, 10_047, 10_054, 10_077]);

/** Asks JetStream; whatever it answers but success becomes LOG_UNAVAILABLE or LOG_FULL. */
export async function attempt<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof NexusError) throw cause;
    const full = cause instanceof JetStreamApiError && FULL.has(cause.code);
    const { message } = cause as Error;
    throw new NexusError(full ? "LOG_FULL" : "LOG_UNAVAILABLE", `Cannot ${what}: ${message}`, {
      cause,
    });
  }
}
