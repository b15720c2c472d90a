/**
 * What a run has done so far, in memory that its thread and the host both see: when a run is ended from
 * outside, its thread can tell nothing any more. One a seat. The guest's side only appends while a
 * run is under way, and publishes a length after the bytes it counts, so that the host can read at any
 * moment, and a thread killed in the middle of a write leaves whole what was there before.
 */
import { LIMIT_NAMES, LOG_LEVELS, type LimitName, type LogLine } from "../core/invocation.ts";

/** Limits as bits: `1 << LIMIT_NAMES.indexOf(name)`. */
export { LIMIT_NAMES };
export { LOG_LEVELS };

/** Each buffer grows to what a run writes; the most any function may be allowed is its reservation. */
export interface JournalBuffers {
  readonly facts: SharedArrayBuffer;
  readonly output: SharedArrayBuffer;
  readonly logs: SharedArrayBuffer;
  readonly lines: SharedArrayBuffer;
  readonly emitted: SharedArrayBuffer;
  readonly emits: SharedArrayBuffer;
  /** What went wrong: a Trouble. */
  readonly trouble: SharedArrayBuffer;
  /** What the run was given (tape.ts). */
  readonly tape: SharedArrayBuffer;
}

/** Places among the numbers of `facts`. */
export const FACT = {
  /** Pages of the guest's memory. */
  pages: 0,
  cold: 1,
  /** Bytes in each buffer. */
  output: 2,
  logs: 3,
  lines: 4,
  emitted: 5,
  emits: 6,
  trouble: 7,
  tape: 8,
  /** 1: more was given than the tape holds. */
  tapeFull: 9,
  /** Limits that were reached, as bits. */
  limits: 10,
  /** One of END; 0 while it has not ended. */
  end: 11,
  exitCode: 12,
  /** Host calls made. */
  calls: 13,
  /** The last of them, in a circle: function and answer. */
  lastCalls: 14,
} as const;

/** Host calls that are remembered: a power of two. */
export const LAST_CALLS = 8;
const FACTS = FACT.lastCalls + LAST_CALLS;
export const PAGE_BYTES = 65_536;

/** How a run has ended. */
export const END = { exit: 1, trap: 2, noMemory: 3, timedOut: 4, diverged: 5 } as const;

export interface JournalFacts {
  readonly counts: Int32Array;
  readonly numbers: Float64Array;
}

/**
 * Places among its larger numbers: when the run began, the bytes written to stdout, milliseconds from
 * beginning to end, and how many of them the run was suspended.
 */
export const NUMBER = { startedAt: 0, outputBytes: 1, durationMs: 2, suspendedMs: 3 } as const;
const NUMBERS = 4;

/** Numbers that a line has in its table. `level`: its place in LOG_LEVELS, and one more; 0: none. */
export const LINE = { end: 0, time: 1, level: 2, size: 3 } as const;
export const NUMBER_BYTES = 8;

const MIB = 1024 * 1024;
const FIRST_BYTES = 4_096;
/** What functions may be allowed at most (functions/schema.ts); a run is cut here in any case. */
const MOST = {
  output: 64 * MIB,
  logs: 16 * MIB,
  lines: 100_000,
  emitted: 64 * MIB,
  emits: 10_000,
  trouble: 65_536,
  tape: MIB,
};
/** One large answer is no reason to hold its memory for ever. */
const LARGE_BYTES = 4 * MIB;

export function journalBuffers(): JournalBuffers {
  const growing = (maxByteLength: number) =>
    new SharedArrayBuffer(Math.min(FIRST_BYTES, maxByteLength), { maxByteLength });
  return {
    facts: new SharedArrayBuffer(FACTS * 4 + NUMBERS * NUMBER_BYTES),
    output: growing(MOST.output),
    logs: growing(MOST.logs),
    lines: growing(MOST.lines * LINE.size * NUMBER_BYTES),
    emitted: growing(MOST.emitted),
    emits: growing(MOST.emits * NUMBER_BYTES),
    trouble: growing(MOST.trouble),
    tape: growing(MOST.tape),
  };
}

export function isLarge({ output, logs, emitted }: JournalBuffers): boolean {
  return output.byteLength + logs.byteLength + emitted.byteLength > LARGE_BYTES;
}

export function journalFacts({ facts }: JournalBuffers): JournalFacts {
  return {
    counts: new Int32Array(facts, 0, FACTS),
    numbers: new Float64Array(facts, FACTS * 4, NUMBERS),
  };
}

/** What a run has done, whether it ended by itself or not. */
export interface RunEffects {
  /** Cut at the limit. */
  readonly output: Uint8Array;
  /** Those that were cut included. */
  readonly outputBytes: number;
  readonly logs: readonly LogLine[];
  readonly emitted: readonly Uint8Array[];
  /** Limits that were reached. */
  readonly limits: readonly LimitName[];
  /** Milliseconds since the Unix epoch; 0 where the run was not yet entered. */
  readonly startedAt: number;
  readonly memoryBytes: number;
  readonly cold: boolean;
  /** What it was given (tape.ts); empty where that was nothing, or was not to be kept. */
  readonly tape: Uint8Array;
  /** Whether that is all it was given. */
  readonly tapeWhole: boolean;
}

const CARRIAGE_RETURN = 13;
const decoder = new TextDecoder();

/** Copies, which nothing that runs later changes. A line without its end was written now. */
export function readEffects(
  buffers: JournalBuffers,
  { counts, numbers }: JournalFacts,
): RunEffects {
  return {
    output: copy(buffers.output, Atomics.load(counts, FACT.output)),
    outputBytes: numbers[NUMBER.outputBytes]!,
    logs: readLines(buffers, counts),
    emitted: readEmitted(buffers, counts),
    limits: limitNames(Atomics.load(counts, FACT.limits)),
    startedAt: numbers[NUMBER.startedAt]!,
    memoryBytes: Atomics.load(counts, FACT.pages) * PAGE_BYTES,
    cold: counts[FACT.cold] === 1,
    tape: copy(buffers.tape, Atomics.load(counts, FACT.tape)),
    tapeWhole: counts[FACT.tapeFull] === 0,
  };
}

const NO_LIMITS: readonly LimitName[] = [];

function limitNames(bits: number): readonly LimitName[] {
  return bits === 0 ? NO_LIMITS : LIMIT_NAMES.filter((_, index) => (bits & (1 << index)) !== 0);
}

/** What `trouble` says. */
export function readTrouble({ trouble }: JournalBuffers, { counts }: JournalFacts): string {
  return decoder.decode(copy(trouble, Atomics.load(counts, FACT.trouble)));
}

function readLines(buffers: JournalBuffers, counts: Int32Array): RunEffects["logs"] {
  // The bytes first: lines that end behind them came while this is read.
  const written = Atomics.load(counts, FACT.logs);
  if (written === 0 && Atomics.load(counts, FACT.lines) === 0) return [];
  const bytes = copy(buffers.logs, written);
  const table = numbersIn(buffers.lines, Atomics.load(counts, FACT.lines));
  const lines: LogLine[] = [];
  let at = 0;
  for (let entry = 0; entry < table.length; entry += LINE.size) {
    const end = table[entry + LINE.end]!;
    if (end > bytes.length) break;
    const level = LOG_LEVELS[table[entry + LINE.level]! - 1];
    const read = line(bytes.subarray(at, end), table[entry + LINE.time]!);
    lines.push(level === undefined ? read : { ...read, level });
    at = end;
  }
  if (at < bytes.length) lines.push(line(bytes.subarray(at), Date.now()));
  return lines;
}

function line(bytes: Uint8Array, time: number): LogLine {
  const end = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
  return { time: new Date(time).toISOString(), text: decoder.decode(bytes.subarray(0, end)) };
}

function readEmitted(buffers: JournalBuffers, counts: Int32Array): Uint8Array[] {
  const published = Atomics.load(counts, FACT.emits);
  if (published === 0) return [];
  const ends = numbersIn(buffers.emits, published);
  const bytes = new Uint8Array(buffers.emitted);
  return Array.from(ends, (end, index) => bytes.slice(index === 0 ? 0 : ends[index - 1], end));
}

function copy(buffer: SharedArrayBuffer, bytes: number): Uint8Array {
  return new Uint8Array(buffer, 0, bytes).slice();
}

function numbersIn(buffer: SharedArrayBuffer, bytes: number): Float64Array {
  return new Float64Array(buffer, 0, bytes / NUMBER_BYTES);
}
