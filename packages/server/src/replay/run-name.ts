import type { RunName } from "./report.ts";
import type { ReplayedPair } from "./run-facts.ts";

export function runName(pair: ReplayedPair): RunName {
  return {
    invocation_id: pair.invocationId,
    event_id: pair.eventId,
    event_type: pair.eventType,
    function: pair.function,
    position: pair.position,
  };
}

/** By the event's place in the log, so that no other order of arrival gives another report. */
export function byPosition(one: RunName, other: RunName): number {
  if (one.position !== other.position) return one.position - other.position;
  return byText(one.invocation_id, other.invocation_id) || byText(one.function, other.function);
}

/** By code units: the same on every machine. */
export function byText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
