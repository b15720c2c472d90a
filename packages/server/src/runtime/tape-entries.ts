import { kindOf, MOST_READING_BYTES } from "./clock-readings.ts";
import { SEED_BYTES, TAPE } from "./tape.ts";

export interface TapeEntry {
  readonly kind: number;
  readonly start: number;
  /** Where the next one begins. */
  readonly end: number;
  /** Random bytes, a key, a call, a secret; of a reading all of it (clock-readings.ts). */
  readonly bytes: Uint8Array;
  /** How many random bytes were given, or how many `bytes` has. */
  readonly count: number;
}

/** The entry that begins at `start`; undefined: the tape has come to its end, or is none from here on. */
export function tapeEntry(tape: Uint8Array, start: number): TapeEntry | undefined {
  const first = tape[start];
  if (first === undefined) return undefined;
  const kind = kindOf(first);
  if (kind < TAPE.realtime || kind > TAPE.secret) return undefined;
  if (kind <= TAPE.cpu) return reading(tape, start, kind);
  const from = start + 1 + 4;
  if (from > tape.length) return undefined;
  const count = new DataView(tape.buffer, tape.byteOffset + start + 1).getUint32(0, true);
  const end = from + (kind === TAPE.seed ? SEED_BYTES : count);
  if (end > tape.length) return undefined;
  return { kind, start, end, bytes: tape.subarray(from, end), count };
}

/** All of them, in order. */
export function* tapeEntries(tape: Uint8Array): Iterable<TapeEntry> {
  for (let at = 0, entry; (entry = tapeEntry(tape, at)) !== undefined; at = entry.end) yield entry;
}

const MORE = 0x80;

function reading(tape: Uint8Array, start: number, kind: number): TapeEntry | undefined {
  for (let end = start + 1; end <= start + MOST_READING_BYTES; end += 1) {
    const last = tape[end - 1];
    if (last === undefined) return undefined;
    if (last < MORE)
      return { kind, start, end, bytes: tape.subarray(start, end), count: end - start };
  }
  return undefined;
}
