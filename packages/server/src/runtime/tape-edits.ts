import type { HostAnswer } from "./host-calls.ts";
import { TAPE, tapeEntry, type TapeEntry } from "./tape.ts";
import { decodeCall, encodeCall, type TapedCall } from "./taped-call.ts";

/** The first reading of real time, in nanoseconds since the Unix epoch; undefined: there is none. */
export function firstRealtime(tape: Uint8Array): bigint | undefined {
  for (const { kind, bytes } of entriesOf(tape)) {
    if (kind === TAPE.realtime) return viewOf(bytes).getBigUint64(0, true);
  }
  return undefined;
}

/** The tape with every reading of real time later by so much. */
export function withClockMoved(tape: Uint8Array, byNs: bigint): Uint8Array {
  const moved = tape.slice();
  for (const { kind, bytes } of entriesOf(moved)) {
    if (kind !== TAPE.realtime) continue;
    const view = viewOf(bytes);
    view.setBigUint64(0, view.getBigUint64(0, true) + byNs, true);
  }
  return moved;
}

/** The calls that the host answered, in order. */
export function callsOn(tape: Uint8Array): readonly TapedCall[] {
  return [...entriesOf(tape)].flatMap(({ kind, bytes }) =>
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
  let at = 0;
  for (const { kind, bytes, end } of entriesOf(tape)) {
    const answer = kind === TAPE.call ? answers.get((number += 1)) : undefined;
    parts.push(
      answer === undefined
        ? tape.subarray(at, end)
        : callEntry({ ...decodeCall(bytes)!, ...answer }),
    );
    at = end;
  }
  return Buffer.concat(parts);
}

function callEntry(call: TapedCall): Uint8Array {
  const bytes = encodeCall(call);
  const entry = new Uint8Array(5 + bytes.length);
  entry[0] = TAPE.call;
  viewOf(entry).setUint32(1, bytes.length, true);
  entry.set(bytes, 5);
  return entry;
}

function* entriesOf(tape: Uint8Array): Iterable<TapeEntry> {
  for (let at = 0, entry; (entry = tapeEntry(tape, at)) !== undefined; at = entry.end) yield entry;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
