import type { Invocation } from "../core/invocation.ts";
import type { Effect, RunFacts } from "./run-facts.ts";

/**
 * The facts of a run of which there is a record. An output that was cut inside a character has lost those
 * last bytes in its record: compare what came from records with what came from records.
 */
export function factsOfRecord(record: RecordedFacts, effects: readonly Effect[]): RunFacts {
  const { error } = record;
  return {
    status: record.status,
    exitCode: record.exit_code,
    ...(error === null ? {} : { error: { code: error.code, message: error.message } }),
    output: Buffer.from(record.output, record.output_encoding === "base64" ? "base64" : "utf8"),
    outputTruncated: record.output_truncated,
    logs: record.logs,
    logsTruncated: record.logs_truncated,
    effects,
    durationMs: record.duration_ms,
    memoryPeakBytes: record.memory_peak_bytes,
    cold: record.cold,
  };
}

export type RecordedFacts = Pick<
  Invocation,
  | "status"
  | "exit_code"
  | "error"
  | "output"
  | "output_encoding"
  | "output_truncated"
  | "logs"
  | "logs_truncated"
  | "duration_ms"
  | "memory_peak_bytes"
  | "cold"
>;
