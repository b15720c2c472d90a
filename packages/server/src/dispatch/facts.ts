import type { Effect, RunFacts } from "../replay/run-facts.ts";
import type { Outcome } from "../runtime/runtime.ts";
import { effectsOn } from "../runtime/taped-effects.ts";

/** What a run did, as far as it is compared with another. `tape`: what has its host calls. */
export function factsOf(outcome: Outcome, tape: Uint8Array): RunFacts {
  const { error } = outcome;
  return {
    status: outcome.status,
    exitCode: outcome.exitCode,
    ...(error === null ? {} : { error: { code: error.code, message: error.message } }),
    output: outcome.output,
    outputTruncated: outcome.outputBytes > outcome.output.length,
    logs: outcome.logs,
    logsTruncated: outcome.logsTruncated,
    effects: [...effectsOn(tape), ...outcome.emitted.map(emitted)],
    durationMs: outcome.durationMs,
    memoryPeakBytes: outcome.memoryPeakBytes,
    cold: outcome.cold,
  };
}

function emitted(content: Uint8Array): Effect {
  return { kind: "emit", summary: typeIn(content) ?? "(no event)", content };
}

function typeIn(json: Uint8Array): string | undefined {
  try {
    const value = JSON.parse(Buffer.from(json).toString()) as { readonly type?: unknown } | null;
    return typeof value?.type === "string" ? value.type : undefined;
  } catch {
    return undefined;
  }
}
