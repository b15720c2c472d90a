import { ClockReadings, MOST_READING_BYTES } from "./clock-readings.ts";
import type { HostAnswer } from "./host-calls.ts";
import { TAPE } from "./tape.ts";
import { tapeEntries, type TapeEntry } from "./tape-entries.ts";
import { decodeCall, encodeCall, type TapedCall } from "./taped-call.ts";

/** The first reading of real time, in nanoseconds since the Unix epoch; undefined: there is none. */
export function firstRealtime(tape: Uint8Array): bigint | undefined {
  const first = firstOf(tape);
  return first === undefined
    ? undefined
    : new ClockReadings().read("realtime", tape, first.start)?.ns;
}

/** The tape with every reading of real time later by so much. */
export function withClockMoved(tape: Uint8Array, byNs: bigint): Uint8Array {
  const first = firstOf(tape);
  if (first === undefined) return tape;
  // Those that follow it say what they differ by.
  const reading = new Uint8Array(MOST_READING_BYTES);
  const end = new ClockReadings().write("realtime", firstRealtime(tape)! + byNs, reading);
  return Buffer.concat([
    tape.subarray(0, first.start),
    reading.subarray(0, end),
    tape.subarray(first.end),
  ]);
}

function firstOf(tape: Uint8Array): TapeEntry | undefined {
  for (const entry of tapeEntries(tape)) if (entry.kind === TAPE.realtime) return entry;
  return undefined;
}

/** The calls that the host answered, in order. */
export function callsOn(tape: Uint8Array): readonly TapedCall[] {
  return [...tapeEntries(tape)].flatMap(({ kind, bytes }) =>
    kind === TAPE.call ? (decodeCall(bytes) ?? []) : [],
  );
}

/** The tape with other answers to some of its calls, by their numbers from 1. */
export function withAnswers(
  tape: Uint8Array,
  answers: ReadonlyMap<number, HostAnswer>,
): Uint8Array {
  const parts: Uint8Array[] = [];
  let number = 0;
  for (const { kind, bytes, start, end } of tapeEntries(tape)) {
    const answer = kind === TAPE.call ? answers.get((number += 1)) : undefined;
    parts.push(
      answer === undefined
        ? tape.subarray(start, end)
        : callEntry({ ...decodeCall(bytes)!, ...answer }),
    );
  }
  return Buffer.concat(parts);
}

function callEntry(call: TapedCall): Uint8Array {
  const bytes = encodeCall(call);
  const entry = new Uint8Array(5 + bytes.length);
  entry[0] = TAPE.call;
  new DataView(entry.buffer).setUint32(1, bytes.length, true);
  entry.set(bytes, 5);
  return entry;
}
