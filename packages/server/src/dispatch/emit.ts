import { eventFromValue } from "../core/cloudevents.ts";
import { NexusError } from "../core/errors.ts";
import type { NewEvent } from "../core/event.ts";
import { RESERVED_PREFIX } from "../core/pattern.ts";
import type { Outcome } from "../runtime/runtime.ts";

export interface EmitContext {
  readonly function: string;
  readonly output: "answer" | "events";
  /** The event the function ran on. */
  readonly cause: NewEvent;
  /** Ids of the emitted events are `<idPrefix>-<n>`: the same again on another attempt, so that the log drops the second. */
  readonly idPrefix: string;
  readonly traceparent: string;
  readonly time: string;
  /** The largest event the log keeps, in bytes of its JSON. */
  readonly maxEventBytes: number;
  /** Longest chain of emitted events. */
  readonly chainDepth: number;
}

/**
 * The events a successful run wants appended: what it gave to `nexus.emit`, then, with
 * `output: events`, what it wrote to stdout. FUNCTION_OUTPUT_INVALID where one is no event, and
 * EVENT_LOOP where the chain is too long: then nothing of the run is appended.
 */
export function emittedEvents(outcome: Outcome, context: EmitContext): readonly NewEvent[] {
  const values = outcome.emitted.map((bytes, index) =>
    parseJson(bytes, `event ${index + 1} given to "nexus.emit"`),
  );
  if (context.output === "events") values.push(...outputValues(outcome));
  if (values.length === 0) return [];

  const { cause } = context;
  const depth = cause.meta.depth + 1;
  if (depth > context.chainDepth) {
    throw new NexusError(
      "EVENT_LOOP",
      `Cannot emit events from "${context.function}": they would be number ${depth} in a chain of emitted events that began with event "${correlationOf(cause)}", and the limit is ${context.chainDepth}`,
    );
  }
  const meta = { traceparent: context.traceparent, depth };
  return values.map((value, index) => ({ event: emittedEvent(value, index, context), meta }));
}

function emittedEvent(value: unknown, index: number, context: EmitContext) {
  const { cause, function: name } = context;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(name, index, 'it must be a JSON object with at least a "type"');
  }
  const given = value as Record<string, unknown>;
  if (typeof given["type"] === "string" && given["type"].startsWith(RESERVED_PREFIX)) {
    throw invalid(name, index, `types that begin with "${RESERVED_PREFIX}" are the platform's own`);
  }
  try {
    const event = eventFromValue(
      {
        ...given,
        causationid: cause.event.id,
        correlationid: given["correlationid"] ?? correlationOf(cause),
      },
      {
        id: `${context.idPrefix}-${index + 1}`,
        source: `/nexus/functions/${name}`,
        time: context.time,
      },
    );
    if (event.json.length <= context.maxEventBytes) return event;
  } catch (error) {
    if (error instanceof NexusError) throw invalid(name, index, error.message, error);
    throw error;
  }
  throw invalid(
    name,
    index,
    `it is larger than ${context.maxEventBytes} bytes, the most that the event log keeps`,
  );
}

/** The id of the event a chain began with: what all of its events carry as `correlationid`. */
function correlationOf(cause: NewEvent): string {
  const carried = cause.event.extensions["correlationid"];
  return typeof carried === "string" ? carried : cause.event.id;
}

// One event, an array of them, or one a line. Empty output: none.
function outputValues(outcome: Outcome): unknown[] {
  if (outcome.outputBytes > outcome.output.length) {
    throw new NexusError(
      "FUNCTION_OUTPUT_INVALID",
      `Cannot read events from stdout: it has ${outcome.outputBytes} bytes and the limit is ${outcome.output.length} (see "limits.output" in nexus.yaml)`,
    );
  }
  const text = decodeUtf8(outcome.output, "stdout").trim();
  if (text === "") return [];
  const whole = tryJson(text);
  if (whole !== undefined) return Array.isArray(whole.value) ? whole.value : [whole.value];
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line, index) => parseJson(line, `line ${index + 1} of stdout`));
}

function tryJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function parseJson(input: Uint8Array | string, what: string): unknown {
  const parsed = tryJson(typeof input === "string" ? input : decodeUtf8(input, what));
  if (parsed !== undefined) return parsed.value;
  throw new NexusError("FUNCTION_OUTPUT_INVALID", `Cannot read ${what}: it is not JSON`);
}

function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new NexusError("FUNCTION_OUTPUT_INVALID", `Cannot read ${what}: it is not UTF-8`, {
      cause,
    });
  }
}

function invalid(name: string, index: number, rule: string, cause?: unknown): NexusError {
  return new NexusError(
    "FUNCTION_OUTPUT_INVALID",
    `Cannot append event ${index + 1} that "${name}" emitted: ${rule}`,
    cause === undefined ? {} : { cause },
  );
}

const decoder = new TextDecoder("utf-8", { fatal: true });
