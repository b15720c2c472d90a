import type { NewEvent, StoredEvent } from "../../../core/event.ts";
import { type Head, headOf, storedOf } from "../../head.ts";

// An event's value: when it was accepted (8 bytes), how long the head is (4 bytes), the head, then the
// event's own JSON, untouched. The head repeats the attributes, so that no reader has to parse the data.
const FIXED = 12;

export function encodeEvent(input: NewEvent, acceptedAt: number): Buffer {
  const text = JSON.stringify(headOf(input));
  const { json } = input.event;
  const size = Buffer.byteLength(text);
  const value = Buffer.allocUnsafe(FIXED + size + json.length);
  value.writeDoubleLE(acceptedAt, 0);
  value.writeUInt32LE(size, 8);
  value.write(text, FIXED);
  value.set(json, FIXED + size);
  return value;
}

export function decodeEvent(position: number, value: Buffer): StoredEvent {
  const size = value.readUInt32LE(8);
  const head = JSON.parse(value.toString("utf8", FIXED, FIXED + size)) as Head;
  return storedOf(head, {
    json: value.subarray(FIXED + size),
    position,
    acceptedAt: acceptedAtOf(value),
  });
}

/** Reads nothing but the time. */
export function acceptedAtOf(value: Buffer): number {
  return value.readDoubleLE(0);
}
