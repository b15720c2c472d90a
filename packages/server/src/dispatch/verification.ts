import { setTimeout as delay } from "node:timers/promises";
import { createEvent } from "../core/cloudevents.ts";
import { NexusError, type ErrorCode } from "../core/errors.ts";
import type { NewEvent } from "../core/event.ts";
import { encodeRecordingFile } from "../core/recording-file.ts";
import type { PlatformSettings } from "../core/settings.ts";
import { childTrace, formatTraceparent } from "../core/trace.ts";
import type { EventLog } from "../log/log.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Rerun } from "./run-again.ts";

/** Type of the event that tells of a run that went another way when it was made again. */
export const DIVERGED_EVENT = "nexus.replay.diverged";

export interface VerificationDeps {
  readonly log: EventLog;
  /** Whether no function runs or waits for its turn. */
  readonly isIdle: () => boolean;
  readonly dispatch: Dispatch;
  readonly telemetry: Pick<Telemetry, "logger" | "meter">;
  readonly settings: () => PlatformSettings;
  /** Milliseconds since the Unix epoch; the clock's unless told. */
  readonly now?: () => number;
  /** How long is waited for a thread that is busy, and before the settings are read again. */
  readonly lookMs?: number;
}

/** One run is chosen among the newest so many. */
const AMONG = 100;
/** Runs that are not looked at twice. */
const REMEMBERED = 1_000;
const LOOK_MS = 1_000;

/**
 * Makes one recorded run again every now and then while no function runs, and counts how it went. One that
 * went another way than it was recorded, which a hermetic one cannot, becomes an event, with its recording
 * in it. Until `signal` aborts.
 */
export async function runVerification(deps: VerificationDeps, signal: AbortSignal): Promise<void> {
  const { now = Date.now, lookMs = LOOK_MS } = deps;
  const seen = new Set<string>();
  let verifiedAt = now();
  while (!signal.aborted) {
    const { verifyEveryMs } = deps.settings().replay;
    const isDue = verifyEveryMs > 0 && now() - verifiedAt >= verifyEveryMs;
    if (isDue && deps.isIdle()) {
      await verifyOne(seen, deps);
      verifiedAt = now();
    }
    await delay(lookMs, undefined, { signal }).catch(() => undefined);
  }
}

async function verifyOne(seen: Set<string>, deps: VerificationDeps): Promise<void> {
  const { dispatch, telemetry } = deps;
  try {
    const id = await choose(seen, deps);
    if (id === undefined) return;
    const rerun = await dispatch.rerun(id);
    if (rerun.not_hermetic.length > 0) return;
    telemetry.meter.replayVerified(rerun.recorded.function, rerun.identical);
    if (!rerun.identical) await report(rerun, deps);
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    if (PASSED_BY.has(error.code)) return;
    telemetry.logger.warn("Cannot verify a recording", { code: error.code, error: error.message });
  }
}

/** Not there any more, or not on this node: there are others. */
const PASSED_BY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "INVOCATION_NOT_FOUND",
  "RECORDING_NOT_FOUND",
  "EVENT_NOT_FOUND",
  "VERSION_NOT_FOUND",
  "SHUTTING_DOWN",
]);

async function choose(seen: Set<string>, deps: VerificationDeps): Promise<string | undefined> {
  const { items } = await deps.log.invocations.list({}, { limit: AMONG });
  const unseen = items.filter(({ id }) => !seen.has(id));
  const chosen = unseen[Math.floor(Math.random() * unseen.length)]?.id;
  if (chosen === undefined) return undefined;
  seen.add(chosen);
  for (const oldest of seen) {
    if (seen.size <= REMEMBERED) break;
    seen.delete(oldest);
  }
  return chosen;
}

async function report(rerun: Rerun, deps: VerificationDeps): Promise<void> {
  const { recorded, differs } = rerun;
  deps.telemetry.logger.error("A recorded run went another way when it was made again", {
    invocation_id: recorded.id,
    event_id: recorded.event_id,
    function: recorded.function,
    version: recorded.version,
    differs,
  });
  const { log } = deps;
  const whole = await divergedEvent(rerun, deps, "with its recording");
  const fits = whole.event.json.length <= log.maxEventBytes;
  // The same run found by two nodes is one event.
  await log.append([fits ? whole : await divergedEvent(rerun, deps, "alone")]);
}

async function divergedEvent(
  { recorded, differs, hashes, replayed }: Rerun,
  { dispatch, now = Date.now }: VerificationDeps,
  how: "with its recording" | "alone",
): Promise<NewEvent> {
  const file =
    how === "alone" ? undefined : await dispatch.recordingFile(recorded.id, { withModule: false });
  const data = {
    invocation_id: recorded.id,
    event_id: recorded.event_id,
    function: recorded.function,
    version: recorded.version,
    differs,
    error: replayed.error,
    hashes,
    recording: file === undefined ? null : encodeRecordingFile(file).toString("base64"),
  };
  const event = createEvent(
    {
      id: `diverged-${recorded.id}`,
      source: "/nexus/replay",
      type: DIVERGED_EVENT,
      time: new Date(now()).toISOString(),
      subject: recorded.function,
      datacontenttype: "application/json",
    },
    { kind: "json", text: JSON.stringify(data) },
  );
  return { event, meta: { traceparent: formatTraceparent(childTrace()), depth: 0 } };
}
