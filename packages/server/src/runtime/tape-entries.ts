import { ClockReadings, kindOf } from "./clock-readings.ts";
import {
  COUNT_BYTES,
  SEED_BYTES,
  TAPE,
  tapeKindName,
  type ClockKind,
  type TapeKind,
} from "./tape.ts";

export type TapeEntry = ReadingEntry | CountedEntry;

export interface ReadingEntry {
  readonly kind: ClockKind;
  readonly ns: bigint;
  /** Where it begins. */
  readonly start: number;
  /** Where the next entry begins. */
  readonly end: number;
}

export interface CountedEntry {
  readonly kind: Exclude<TapeKind, ClockKind>;
  /** Random bytes, a key, a call, a secret. */
  readonly bytes: Uint8Array;
  /** How many random bytes were given; otherwise, how many there are here. */
  readonly count: number;
  readonly start: number;
  readonly end: number;
}

/** The entries of a tape from its beginning; ends where it does, or where it is none from there on. */
export function* tapeEntries(tape: Uint8Array): Generator<TapeEntry, void> {
  const view = new DataView(tape.buffer, tape.byteOffset, tape.byteLength);
  const readings = new ClockReadings();
  for (let at = 0; at < tape.length;) {
    const kind = kindOf(tape[at]!);
    if (kind >= TAPE.realtime && kind <= TAPE.cpu) {
      const clock = tapeKindName(kind) as ClockKind;
      const reading = readings.read(clock, tape, at);
      if (reading === undefined) return;
      yield { kind: clock, ...reading, start: at };
      at = reading.end;
      continue;
    }
    const from = at + 1 + COUNT_BYTES;
    if (kind < TAPE.random || kind > TAPE.secret || from > tape.length) return;
    const count = view.getUint32(at + 1, true);
    const end = from + (kind === TAPE.seed ? SEED_BYTES : count);
    if (end > tape.length) return;
    const bytes = tape.subarray(from, end);
    yield { kind: tapeKindName(kind) as CountedEntry["kind"], bytes, count, start: at, end };
    at = end;
  }
}
