import { randomFillSync } from "node:crypto";

/**
 * W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/): the part of it that travels with
 * an event. Ids are lower-case hexadecimal.
 */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;
const LENGTH = 55;

const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);

/** The context in a `traceparent` value; undefined where it breaks a rule of section 3.2 (it is then ignored). */
export function parseTraceparent(value: string | undefined): TraceContext | undefined {
  if (value === undefined || !TRACEPARENT.test(value)) return undefined;
  if (value.startsWith("ff") || (value.startsWith("00") && value.length > LENGTH)) return undefined;
  const traceId = value.slice(3, 35);
  const spanId = value.slice(36, 52);
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, sampled: (parseInt(value.slice(53, LENGTH), 16) & 1) === 1 };
}

export function formatTraceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.sampled ? "01" : "00"}`;
}

/** A new span under `parent`, or the first span of a new trace. */
export function childTrace(parent?: TraceContext): TraceContext {
  return {
    traceId: parent?.traceId ?? randomHex(16),
    spanId: randomHex(8),
    sampled: parent?.sampled ?? true,
  };
}

/** The trace id inside a `traceparent` that this server wrote itself. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

const pool = Buffer.alloc(4096);
let used = pool.length;

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString("hex", used - bytes, used);
}
