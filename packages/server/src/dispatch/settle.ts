import { setTimeout as delay } from "node:timers/promises";
import { NexusError } from "../core/errors.ts";
import type { Delivery, EventLog, Settlement } from "../log/log.ts";
import type { Logger } from "../telemetry/telemetry.ts";

const RETRY_MS = 1000;

/**
 * Settles, and goes on trying while the log cannot take it (a full disk, a lost connection): the run
 * happened, and its record is worth waiting for. Gives up when `signal` aborts; the delivery is then
 * handed out again after the restart. False if it gave up.
 */
export async function settleDurably(
  log: EventLog,
  delivery: Delivery,
  settlement: Settlement,
  options: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<boolean> {
  const { logger, signal } = options;
  for (;;) {
    try {
      await log.settle(delivery, settlement);
      return true;
    } catch (error) {
      if (!(error instanceof NexusError) || !error.facts.retry) throw error;
      logger.error("Cannot keep an invocation's record: trying again", {
        function: delivery.name,
        event_id: delivery.stored.event.id,
        code: error.code,
        error: error.message,
      });
      if (signal.aborted) return false;
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
