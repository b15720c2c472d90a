import type { DeadLetter, Invocation, InvocationError } from "../core/invocation.ts";

/** The dead letter of a delivery, from the record of its last attempt. `at`: milliseconds since the Unix epoch. */
export function deadLetterOf(
  last: Invocation,
  dead: { readonly id: string; readonly error: InvocationError; readonly at: number },
): DeadLetter {
  return {
    id: dead.id,
    event_id: last.event_id,
    event_source: last.event_source,
    event_type: last.event_type,
    position: last.position,
    function: last.function,
    attempts: last.attempt,
    error: dead.error,
    invocation_id: last.id,
    dead_at: new Date(dead.at).toISOString(),
  };
}
