import type { ErrorCode } from "../../core/errors.ts";
import type { InvocationStatus, LimitName, Trap } from "../../core/invocation.ts";
import type { RunEffects } from "../journal.ts";
import type { InvokeRequest, Outcome } from "../runtime.ts";
import { trapText } from "../symbols/trap-text.ts";
import type { HaltedRun } from "./guest-thread.ts";
import type { Job } from "./job.ts";
import type { RunResult } from "./seat.ts";

interface Verdict {
  readonly status: InvocationStatus;
  readonly exitCode: number | null;
  readonly error: Outcome["error"];
}

/** How a run that ended by itself is told. */
export function outcomeOf(job: Job, result: RunResult): Outcome {
  return {
    ...verdict(job, result),
    ...told(result, result.end.kind === "timed_out" ? ["timeout"] : []),
    byItself: result.end.kind !== "timed_out",
    starved: result.end.kind === "no_memory",
    startedAt: result.startedAt,
    durationMs: result.durationMs,
  };
}

/** What a run did, whoever ended it. */
function told(
  effects: RunEffects,
  reached: readonly LimitName[],
): Omit<Outcome, keyof Verdict | "byItself" | "starved" | "startedAt" | "durationMs"> {
  const cut: readonly LimitName[] = effects.outputBytes > effects.output.length ? ["output"] : [];
  return {
    output: effects.output,
    outputBytes: effects.outputBytes,
    logs: effects.logs,
    logsTruncated: effects.limits.includes("logs") || effects.limits.includes("log_lines"),
    emitted: effects.emitted,
    limits: [...reached, ...effects.limits, ...cut],
    memoryPeakBytes: effects.memoryBytes,
    cold: effects.cold,
    tape: effects.tape,
    tapeWhole: effects.tapeWhole,
  };
}

function verdict(job: Job, result: RunResult): Verdict {
  const { end, logs, limits } = result;
  const { request, loaded } = job;
  if (end.kind === "timed_out") return stoppedVerdict(job, { kind: "timed_out", limit: "timeout" });
  if (end.kind === "diverged") {
    return failure(request, "failed", { code: "REPLAY_DIVERGED", how: `it ${end.reason}` });
  }
  if (end.kind === "no_memory") {
    return outOfMemory(request, null, { how: `the machine has no memory for it: ${end.reason}` });
  }
  if (limits.includes("host_calls")) {
    const how = `it made more host calls than its limit of ${loaded.plan.limits.hostCalls}`;
    return failure(request, "trapped", { code: "FUNCTION_LIMIT", how });
  }
  const refused = limits.includes("memory");
  const limit = `its limit of ${loaded.plan.limits.memoryBytes} bytes`;
  if (end.kind === "trap") {
    const trap: Trap = {
      reason: end.reason,
      frames: loaded.symbols.frames(end.frames),
      host_calls: result.lastCalls,
    };
    const how = trapText(trap);
    if (end.limit !== undefined) {
      return failure(request, "trapped", {
        code: "FUNCTION_LIMIT",
        how: `it trapped: ${how}`,
        trap,
      });
    }
    return refused
      ? outOfMemory(request, null, { how: `it reached ${limit} and gave up: ${how}`, trap })
      : failure(request, "trapped", { code: "FUNCTION_TRAPPED", how: `it trapped: ${how}`, trap });
  }
  if (end.code === 0) return { status: "succeeded", exitCode: 0, error: null };
  const last = logs.findLast(({ text }) => text.trim() !== "")?.text;
  const how = `it ended with exit code ${end.code}${last === undefined ? "" : `: ${last}`}`;
  return refused
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
  | { readonly kind: "timed_out"; readonly limit: "timeout" | "cpu" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "thread_died"; readonly outOfMemory: boolean; readonly reason: string };

/** What is told of a run that the host ended: what it did until then. Without `halted` it never began. */
export function outcomeOfStopped(job: Job, stopped: Stopped, halted?: HaltedRun): Outcome {
  const { effects, elapsedMs } = halted ?? { effects: NOTHING, elapsedMs: 0 };
  return {
    ...stoppedVerdict(job, stopped),
    ...told(effects, reachedBy(stopped)),
    byItself: false,
    starved: false,
    startedAt: effects.startedAt === 0 ? Math.round(Date.now() - elapsedMs) : effects.startedAt,
    durationMs: elapsedMs,
  };
}

function reachedBy(stopped: Stopped): readonly LimitName[] {
  if (stopped.kind === "timed_out") return [stopped.limit];
  return stopped.kind === "thread_died" && stopped.outOfMemory ? ["memory"] : [];
}

const NOTHING: RunEffects = {
  output: new Uint8Array(0),
  outputBytes: 0,
  logs: [],
  limits: [],
  emitted: [],
  startedAt: 0,
  memoryBytes: 0,
  cold: false,
  tape: new Uint8Array(0),
  tapeWhole: true,
};

function stoppedVerdict({ request, loaded }: Job, stopped: Stopped): Verdict {
  if (stopped.kind === "timed_out") {
    const how =
      stopped.limit === "cpu"
        ? `it used up its limit of ${loaded.plan.limits.cpuMs} ms of processor time`
        : `it did not finish within its limit of ${loaded.timeoutMs} ms`;
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
