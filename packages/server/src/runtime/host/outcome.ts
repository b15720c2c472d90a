import type { ErrorCode } from "../../core/errors.ts";
import type { InvocationStatus, Trap } from "../../core/invocation.ts";
import type { RunEffects } from "../journal.ts";
import type { RunResult } from "../protocol.ts";
import type { InvokeRequest, Outcome } from "../runtime.ts";
import { trapText } from "../symbols/trap-text.ts";
import type { HaltedRun } from "./guest-thread.ts";
import type { Job } from "./job.ts";

interface Verdict {
  readonly status: InvocationStatus;
  readonly exitCode: number | null;
  readonly error: Outcome["error"];
}

/** How a run that ended by itself is told. */
export function outcomeOf(job: Job, result: RunResult): Outcome {
  return {
    ...verdict(job, result),
    output: result.output,
    outputBytes: result.outputBytes,
    logs: result.logs,
    logsTruncated: result.logsTruncated,
    emitted: result.emitted,
    startedAt: result.startedAt,
    durationMs: result.durationMs,
    memoryPeakBytes: result.memoryBytes,
    cold: result.cold,
  };
}

function verdict({ request, loaded }: Job, { end, logs }: RunResult): Verdict {
  if (end.kind === "no_memory") {
    return outOfMemory(request, null, { how: `the machine has no memory for it: ${end.reason}` });
  }
  const limit = `its limit of ${loaded.plan.limits.memoryBytes} bytes`;
  if (end.kind === "trap") {
    const trap: Trap = { reason: end.reason, frames: loaded.symbols.frames(end.frames) };
    const how = trapText(trap);
    return end.growthRefused
      ? outOfMemory(request, null, { how: `it reached ${limit} and gave up: ${how}`, trap })
      : failure(request, "trapped", { code: "FUNCTION_TRAPPED", how: `it trapped: ${how}`, trap });
  }
  if (end.code === 0) return { status: "succeeded", exitCode: 0, error: null };
  const last = logs.findLast(({ text }) => text.trim() !== "")?.text;
  const how = `it ended with exit code ${end.code}${last === undefined ? "" : `: ${last}`}`;
  return end.growthRefused
    ? outOfMemory(request, end.code, { how: `${how} (after it reached ${limit})` })
    : failure(request, "failed", { exitCode: end.code, code: "FUNCTION_FAILED", how });
}

interface How {
  readonly how: string;
  readonly trap?: Trap;
}

function outOfMemory(request: InvokeRequest, exitCode: number | null, how: How): Verdict {
  return failure(request, "out_of_memory", { exitCode, code: "FUNCTION_OUT_OF_MEMORY", ...how });
}

function failure(
  request: InvokeRequest,
  status: InvocationStatus,
  what: How & { readonly exitCode?: number | null; readonly code: ErrorCode },
): Verdict {
  const { code, trap, exitCode = null } = what;
  const message = `Cannot run function "${request.function}": ${what.how}`;
  const error = trap === undefined ? { code, message } : { code, message, trap };
  return { status, exitCode, error };
}

/** Why the host ended a run, or never began it. */
export type Stopped =
  | { readonly kind: "timed_out" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "thread_died"; readonly outOfMemory: boolean; readonly reason: string };

/** What is told of a run that the host ended: what it did until then. Without `halted` it never began. */
export function outcomeOfStopped(job: Job, stopped: Stopped, halted?: HaltedRun): Outcome {
  const { effects, elapsedMs } = halted ?? { effects: NOTHING, elapsedMs: 0 };
  return {
    ...stoppedVerdict(job, stopped),
    output: effects.output,
    outputBytes: effects.outputBytes,
    logs: effects.logs,
    logsTruncated: effects.logsTruncated,
    emitted: effects.emitted,
    startedAt: effects.startedAt === 0 ? Math.round(Date.now() - elapsedMs) : effects.startedAt,
    durationMs: elapsedMs,
    memoryPeakBytes: effects.memoryBytes,
    cold: effects.cold,
  };
}

const NOTHING: RunEffects = {
  output: new Uint8Array(0),
  outputBytes: 0,
  logs: [],
  logsTruncated: false,
  emitted: [],
  startedAt: 0,
  memoryBytes: 0,
  cold: false,
};

function stoppedVerdict({ request, loaded }: Job, stopped: Stopped): Verdict {
  if (stopped.kind === "timed_out") {
    const how = `it did not finish within its limit of ${loaded.timeoutMs} ms`;
    return failure(request, "timed_out", { code: "FUNCTION_TIMED_OUT", how });
  }
  if (stopped.kind === "cancelled") {
    const how = "it was stopped before it ended";
    return failure(request, "cancelled", { code: "FUNCTION_CANCELLED", how });
  }
  const how = `its thread died: ${stopped.reason}`;
  return stopped.outOfMemory
    ? outOfMemory(request, null, { how })
    : failure(request, "trapped", { code: "FUNCTION_TRAPPED", how });
}
