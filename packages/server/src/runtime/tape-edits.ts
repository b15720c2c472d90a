import { ClockReadings, MOST_READING_BYTES } from "./clock-readings.ts";
import type { HostAnswer } from "./host-calls.ts";
import { countedEntry } from "./tape.ts";
import { tapeEntries, type ReadingEntry } from "./tape-entries.ts";
import { callIn, encodeCall } from "./taped-call.ts";

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
        : asEntry(encodeCall({ ...call, ...answer })),
    );
  }
  return Buffer.concat(parts);
}

function asEntry(call: Uint8Array): Uint8Array {
  return countedEntry("call", call.length, call);
}
