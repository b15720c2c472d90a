import { ClockReadings, MOST_READING_BYTES } from "./clock-readings.ts";
import type { HostAnswer } from "./host-calls.ts";
import { COUNT_BYTES, TAPE } from "./tape.ts";
import { tapeEntries, type ReadingEntry } from "./tape-entries.ts";
import { callIn, encodeCall, type TapedCall } from "./taped-call.ts";

/** The first reading of real time, in nanoseconds since the Unix epoch; undefined: there is none. */
export function firstRealtime(tape: Uint8Array): bigint | undefined {
  return firstOf(tape)?.ns;
}

/** The tape with every reading of real time later by so much. */
export function withClockMoved(tape: Uint8Array, byNs: bigint): Uint8Array {
  const first = firstOf(tape);
  if (first === undefined) return tape;
  // Those that follow it say what they differ by.
  const reading = new Uint8Array(MOST_READING_BYTES);
  const end = new ClockReadings().write("realtime", first.ns + byNs, reading);
  return Buffer.concat([
    tape.subarray(0, first.start),
    reading.subarray(0, end),
    tape.subarray(first.end),
  ]);
}

function firstOf(tape: Uint8Array): ReadingEntry | undefined {
  for (const entry of tapeEntries(tape)) {
    if (entry.kind === "realtime") return entry;
  }
  return undefined;
}

/** The tape with other answers to some of its calls, by their numbers from 1. */
export function withAnswers(
  tape: Uint8Array,
  answers: ReadonlyMap<number, HostAnswer>,
): Uint8Array {
  const parts: Uint8Array[] = [];
  let number = 0;
  for (const entry of tapeEntries(tape)) {
    const answer = entry.kind === "call" ? answers.get((number += 1)) : undefined;
    const [call] = callIn(entry);
    parts.push(
      answer === undefined || call === undefined
        ? tape.subarray(entry.start, entry.end)
        : callEntry({ ...call, ...answer }),
    );
  }
  return Buffer.concat(parts);
}

function callEntry(call: TapedCall): Uint8Array {
  const bytes = encodeCall(call);
  const head = 1 + COUNT_BYTES;
  const entry = new Uint8Array(head + bytes.length);
  entry[0] = TAPE.call;
  new DataView(entry.buffer).setUint32(1, bytes.length, true);
  entry.set(bytes, head);
  return entry;
}
