import { ERRORS } from "../core/errors.ts";
import type { RetryPolicy } from "../core/function.ts";
import type { InvocationError, InvocationStatus } from "../core/invocation.ts";
import type { Settlement } from "../log/log.ts";

export interface AttemptResult {
  readonly status: InvocationStatus;
  readonly error: InvocationError | null;
  /** From 1. */
  readonly attempt: number;
}

/**
 * What becomes of a delivery after an attempt. A cancelled one (the server was stopping) is due again
 * at once and never the last: the function had no fair chance. `random` gives numbers in [0, 1).
 */
export function nextStep(
  result: AttemptResult,
  policy: RetryPolicy,
  nowMs: number,
  random: () => number,
): Settlement["next"] {
  if (result.error === null) return { state: "done" };
  if (result.status === "cancelled") return { state: "retry", at: nowMs };
  if (!ERRORS[result.error.code].retry || result.attempt >= policy.attempts) {
    return { state: "dead", error: result.error };
  }
  return { state: "retry", at: nowMs + backoffMs(result.attempt, policy, random) };
}

/** The wait after the given attempt, in milliseconds: doubled each time, capped, then jittered. */
export function backoffMs(attempt: number, policy: RetryPolicy, random: () => number): number {
  // 2 ** 30 seconds is beyond every cap; the exponent is bounded so that it never becomes Infinity.
  const wait = Math.min(policy.maxBackoffMs, policy.backoffMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(policy.jitter ? wait / 2 + (random() * wait) / 2 : wait);
}
