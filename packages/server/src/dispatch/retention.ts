import { setTimeout as delay } from "node:timers/promises";
import { NexusError } from "../core/errors.ts";
import type { PlatformSettings } from "../core/settings.ts";
import type { EventLog } from "../log/log.ts";
import type { Logger } from "../telemetry/telemetry.ts";

const EVERY_MS = 60_000;

export interface RetentionDeps {
  readonly log: EventLog;
  readonly logger: Logger;
  readonly settings: () => PlatformSettings;
}

/** Trims the log once a minute to what the settings in force allow, until `signal` aborts. */
export async function runRetention(deps: RetentionDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await trimOnce(deps, signal);
    await delay(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function trimOnce({ log, logger, settings }: RetentionDeps, signal: AbortSignal) {
  const { retention } = settings();
  try {
    const trimmed = await log.trim(retention, signal);
    if (trimmed.events + trimmed.invocations > 0) {
      logger.info("Retention removed what is past its limits", { ...trimmed });
    }
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    logger.error("Cannot apply retention", { code: error.code, error: error.message });
  }
}
