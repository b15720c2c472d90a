import { headers, type MsgHdrs } from "@nats-io/transport-node";
import type { NewEvent, StoredEvent } from "../../../core/event.ts";
import type { Invocation } from "../../../core/invocation.ts";
import { type Head, headOf, storedOf } from "../../head.ts";

// An event is stored as what it is, a CloudEvent in structured mode, which any NATS client can read.
// Beside it one header of ours has its head, as JSON in ASCII.
const HEAD = "Nexus-Head";
const CLAIM = "Nexus-Claim";
const AGAIN = "Nexus-Again";
const ACCEPTED = "Nexus-Accepted";
const SETTLED = "Nexus-Settled";
const RECORDING_AT = "Nexus-Recording-At";
const EXPECTED = "Nats-Expected-Last-Subject-Sequence";

export interface Outgoing {
  readonly headers: MsgHdrs;
  readonly data: Uint8Array;
}

/** `claimedBy`: the process that runs it already. */
export function encodeEvent(input: NewEvent, claimedBy?: string): Outgoing {
  const head = onceOnly();
  head.set("content-type", "application/cloudevents+json");
  head.set(HEAD, asciiJson(headOf(input)));
  if (claimedBy !== undefined) head.set(CLAIM, claimedBy);
  return { headers: head, data: input.event.json };
}

/** An event of another log: with its time, and the functions that have settled it. */
export function encodeRestored(stored: StoredEvent, settledFor: readonly string[]): Outgoing {
  const { headers: head, data } = encodeEvent(stored);
  head.set(ACCEPTED, String(stored.acceptedAt));
  if (settledFor.length > 0) head.set(SETTLED, settledFor.join(" "));
  return { headers: head, data };
}

/** For a record or a dead letter of another log: with the time at which that kept it. */
export function keptElsewhere(keptAt: number): MsgHdrs {
  const head = onceOnly();
  head.set(ACCEPTED, String(keptAt));
  return head;
}

/** When a message of another log was kept there; undefined: it is none. */
export function acceptedElsewhere(head: MsgHdrs | undefined): number | undefined {
  const value = head?.get(ACCEPTED) ?? "";
  return value === "" ? undefined : Number(value);
}

/** Whether this function had settled the event before it came here from another log. */
export function settledElsewhere({ headers: head }: Message, name: string): boolean {
  const value = head?.get(SETTLED) ?? "";
  return value !== "" && value.split(" ").includes(name);
}

/** A message that the stream takes only as the first on its subject. */
export function onceOnly(): MsgHdrs {
  return expecting(0);
}

/** A message that the stream takes only if the last on its subject is this one. */
export function expecting(sequence: number): MsgHdrs {
  const head = headers();
  head.set(EXPECTED, String(sequence));
  return head;
}

export function encodeAgain(position: number, attempt: number): Outgoing {
  const head = onceOnly();
  head.set(AGAIN, `${position} ${attempt}`);
  return { headers: head, data: EMPTY };
}

export interface Message {
  readonly headers?: MsgHdrs | undefined;
  readonly data: Uint8Array;
}

/** Which delivery comes again; undefined: the message is an event. */
export function decodeAgain(message: Message): { position: number; attempt: number } | undefined {
  const value = message.headers?.get(AGAIN);
  if (value === undefined || value === "") return undefined;
  const [position, attempt] = value.split(" ").map(Number);
  return { position: position!, attempt: attempt! };
}

export function claimedBy(message: Message): string | undefined {
  const value = message.headers?.get(CLAIM);
  return value === "" ? undefined : value;
}

/** Undefined: the message is no event of ours. */
export function decodeEvent(
  message: Message,
  kept: { readonly position: number; readonly acceptedAt: number },
): StoredEvent | undefined {
  const text = message.headers?.get(HEAD);
  if (text === undefined || text === "") return undefined;
  const { position } = kept;
  const acceptedAt = acceptedElsewhere(message.headers) ?? kept.acceptedAt;
  return storedOf(JSON.parse(text) as Head, { json: message.data, position, acceptedAt });
}

/** A record's JSON in so many bytes: where it is longer, log lines go first, then the end of the output. */
export function encodeRecord(invocation: Invocation, maxBytes: number): Uint8Array {
  const whole = encodeJson(invocation);
  if (whole.length <= maxBytes) return whole;
  const bare = { ...invocation, logs: [], logs_truncated: true };
  const short = encodeJson(bare);
  if (short.length <= maxBytes) return short;
  // A character of it may take up to six bytes as JSON; four of base64 belong together.
  const room = Math.max(0, maxBytes - encodeJson({ ...bare, output: "" }).length);
  let length = Math.floor(room / 4) * 4;
  let cut = encodeJson({ ...bare, output: bare.output.slice(0, length), output_truncated: true });
  while (cut.length > maxBytes && length > 0) {
    length = Math.floor(length / 8) * 4;
    cut = encodeJson({ ...bare, output: bare.output.slice(0, length), output_truncated: true });
  }
  return cut;
}

/**
 * A record's message: its JSON, as `encodeRecord` gives it, and behind that the recording, where there is
 * room for both in so many bytes; then the header `head` says where it begins.
 */
export function encodeRun(
  { invocation, recording }: Run,
  { head, maxBytes }: { readonly head: MsgHdrs; readonly maxBytes: number },
): Outgoing {
  const json = encodeRecord(invocation, maxBytes);
  if (recording === undefined || json.length + recording.length > maxBytes) {
    return { headers: head, data: json };
  }
  head.set(RECORDING_AT, String(json.length));
  return { headers: head, data: Buffer.concat([json, recording]) };
}

export interface Run {
  readonly invocation: Invocation;
  readonly recording?: Uint8Array | undefined;
}

/** The record of a stored message. */
export function decodeRecord(message: Message): Invocation {
  const at = recordingAt(message);
  return decodeJson(at === undefined ? message.data : message.data.subarray(0, at));
}

/** The recording that came with a record. */
export function recordingOf(message: Message): Uint8Array | undefined {
  const at = recordingAt(message);
  return at === undefined ? undefined : message.data.subarray(at);
}

function recordingAt({ headers: head }: Message): number | undefined {
  const value = head?.get(RECORDING_AT) ?? "";
  return value === "" ? undefined : Number(value);
}

export function encodeJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

export function decodeJson<T>(data: Uint8Array): T {
  return JSON.parse(decoder.decode(data)) as T;
}

// A header is one line; some servers and clients take it for Latin-1.
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(NOT_ASCII, escape);
}

const NOT_ASCII = /[\u007f-\uffff]/g;

function escape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const EMPTY = new Uint8Array();
const decoder = new TextDecoder();
