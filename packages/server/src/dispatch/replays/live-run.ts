import { NexusError } from "../../core/errors.ts";
import type { StoredEvent } from "../../core/event.ts";
import type { Invocation } from "../../core/invocation.ts";
import { decodeRecording } from "../../core/recording.ts";
import type { EventLog } from "../../log/log.ts";
import { factsOfRecord } from "../../replay/facts-of-record.ts";
import type { Effect, RunFacts } from "../../replay/run-facts.ts";
import { effectsOn } from "../../runtime/taped-effects.ts";
import type { Replayed } from "./replay-run.ts";

/** FUNCTION_NOT_FOUND, SHUTTING_DOWN, and what the log rejects with. */
export type RunLive = (stored: StoredEvent, name: string) => Promise<Invocation>;

export interface LiveRunDeps {
  readonly log: EventLog;
  readonly runLive: RunLive;
}

/**
 * Runs the event of a past run again on the version in service, with real effects, and compares the two
 * records: of emitted events only how many. Rejects as `runLive` does.
 */
export async function liveRun(id: string, { log, runLive }: LiveRunDeps): Promise<Replayed> {
  const recorded = await log.invocations.get(id);
  if (recorded === undefined) {
    return { kind: "skipped", run: { invocationId: id, reason: "no_recording" } };
  }
  const stored = await log.find(recorded.event_id, recorded.event_source);
  if (stored === undefined) {
    return { kind: "skipped", run: { invocationId: id, reason: "event_gone" } };
  }
  const now = await runLive(stored, recorded.function);
  return {
    kind: "pair",
    pair: {
      invocationId: id,
      eventId: recorded.event_id,
      eventType: recorded.event_type,
      function: recorded.function,
      position: recorded.position,
      recorded: await factsIn(log, recorded),
      candidate: await factsIn(log, now),
    },
  };
}

async function factsIn(log: EventLog, record: Invocation): Promise<RunFacts> {
  return factsOfRecord(record, await effectsOf(record, log));
}

/** What a recorded run did to the world: its emitted events, without what is in them, and its host calls. */
export async function effectsOf(record: Invocation, log: EventLog): Promise<readonly Effect[]> {
  const emitted = record.emitted.map((): Effect => {
    return { kind: "emit", summary: "an event", content: NOTHING };
  });
  const recording = await log.invocations.recording(record.id);
  if (recording === undefined) return emitted;
  try {
    return [...effectsOn(decodeRecording(recording).tape), ...emitted];
  } catch (error) {
    if (error instanceof NexusError) return emitted;
    throw error;
  }
}

const NOTHING = new Uint8Array(0);
