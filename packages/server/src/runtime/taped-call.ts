import { hash } from "node:crypto";
import {
  ABSENT_REVISION,
  ANY_REVISION,
  HOST_CALLS,
  hostCallName,
  PARTS,
  type HostAnswer,
  type HostCall,
  type HostCallName,
  type PartName,
} from "./host-calls.ts";
import { tapeEntries, type TapeEntry } from "./tape-entries.ts";

/**
 * A host call on a tape: its number (1 byte), its errno (1), each part of its request in the order of PARTS,
 * and the rest is its answer. A part is its form (1: 0 as it was, 1 as its sha256), its length in bytes (4), and
 * itself or the hash. docs/recordings.md describes these bytes.
 */
export interface TapedCall extends HostAnswer {
  readonly name: HostCallName;
  readonly parts: readonly TapedPart[];
}

/** `bytes`: the part itself, or its sha256 where it is long or nobody's to read. */
export interface TapedPart {
  readonly hashed: boolean;
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** Parts that are numbers, and their bytes. */
const NUMBERS: Partial<Readonly<Record<PartName, number>>> = { expect: 8, ttl: 8, limit: 4 };

/** Longer ones are kept as their sha256. Headers are always: they carry what lets somebody in. */
const MOST_KEPT_BYTES: Readonly<Record<PartName, number>> = {
  key: 512,
  prefix: 512,
  after: 512,
  expect: 8,
  ttl: 8,
  limit: 4,
  request: 2_048,
  headers: 0,
  value: 64,
  body: 64,
};

/** Of an answer whose errno is 0: a revision, or the head of a page. */
const LEAST_ANSWER_BYTES: Readonly<Record<HostCallName, number>> = {
  kv_get: 8,
  kv_set: 8,
  kv_delete: 0,
  kv_list: 8,
  fetch: 0,
};

const HEAD_BYTES = 2;
const PART_HEAD_BYTES = 5;
const HASH_BYTES = 32;

/** The request as a tape has it. What contains one of `secrets` is kept as its sha256. */
export function tapedParts(
  { name, parts }: HostCall,
  secrets: readonly Uint8Array[],
): readonly TapedPart[] {
  return parts.map((bytes, index) => {
    const { length } = bytes;
    const part = PARTS[name][index]!;
    const fits = length <= MOST_KEPT_BYTES[part];
    const kept = fits && (part in NUMBERS || !containsAny(bytes, secrets));
    return { hashed: !kept, length, bytes: kept ? bytes : hash("sha256", bytes, "buffer") };
  });
}

function containsAny(bytes: Uint8Array, secrets: readonly Uint8Array[]): boolean {
  if (secrets.length === 0) return false;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return secrets.some((secret) => secret.length > 0 && buffer.includes(secret));
}

export function encodeCall({ name, parts, errno, payload }: TapedCall): Uint8Array {
  const size = parts.reduce((sum, { bytes }) => sum + PART_HEAD_BYTES + bytes.length, HEAD_BYTES);
  const entry = Buffer.allocUnsafe(size + payload.length);
  entry[0] = HOST_CALLS[name];
  entry[1] = errno;
  let at = HEAD_BYTES;
  for (const { hashed, length, bytes } of parts) {
    entry[at] = hashed ? 1 : 0;
    entry.writeUInt32LE(length, at + 1);
    entry.set(bytes, at + PART_HEAD_BYTES);
    at += PART_HEAD_BYTES + bytes.length;
  }
  entry.set(payload, at);
  return entry;
}

/** Undefined: it is none. */
export function decodeCall(entry: Uint8Array): TapedCall | undefined {
  const name = hostCallName(entry[0] ?? 0);
  if (name === undefined || entry.length < HEAD_BYTES) return undefined;
  const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
  const parts: TapedPart[] = [];
  let at = HEAD_BYTES;
  for (const part of PARTS[name]) {
    if (at + PART_HEAD_BYTES > entry.length || entry[at]! > 1) return undefined;
    const hashed = entry[at] === 1;
    const length = view.getUint32(at + 1, true);
    const from = at + PART_HEAD_BYTES;
    at = from + (hashed ? HASH_BYTES : length);
    if (at > entry.length) return undefined;
    if (part in NUMBERS && (hashed || length !== NUMBERS[part])) return undefined;
    parts.push({ hashed, length, bytes: entry.subarray(from, at) });
  }
  const errno = entry[1]!;
  const payload = entry.subarray(at);
  if (errno === 0 && payload.length < LEAST_ANSWER_BYTES[name]) return undefined;
  return { name, errno, parts, payload };
}

/** All calls on a tape, in order. */
export function callsOn(tape: Uint8Array): readonly TapedCall[] {
  return [...tapeEntries(tape)].flatMap((entry) => callIn(entry));
}

/** The call that an entry is, if it is one. */
export function callIn(entry: TapeEntry): readonly [] | readonly [TapedCall] {
  const call = entry.kind === "call" ? decodeCall(entry.bytes) : undefined;
  return call === undefined ? [] : [call];
}

export function sameParts(one: readonly TapedPart[], other: readonly TapedPart[]): boolean {
  return one.every(({ hashed, length, bytes }, index) => {
    const its = other[index]!;
    return hashed === its.hashed && length === its.length && Buffer.compare(bytes, its.bytes) === 0;
  });
}

/** `kv.get("b")`: a call in one line, for people. */
export function describeCall({ name, parts }: Pick<TapedCall, "name" | "parts">): string {
  const said = PARTS[name].flatMap((part, index) => describePart(part, parts[index]!) ?? []);
  return `${name.replace("_", ".")}(${said.join(", ")})`;
}

function describePart(name: PartName, part: TapedPart): string | undefined {
  switch (name) {
    case "expect":
      return describeRevision(number(part));
    case "ttl":
      return number(part) === 0n ? undefined : `for ${number(part)} ms`;
    case "limit":
      return `at most ${new DataView(part.bytes.buffer, part.bytes.byteOffset).getUint32(0, true)}`;
    case "after":
      return part.length === 0 ? undefined : `after ${text(part)}`;
    case "headers":
      return part.length === 0 ? undefined : `headers of ${text(part)}`;
    case "body":
      return part.length === 0 ? undefined : text(part);
    case "key":
    case "prefix":
    case "request":
    case "value":
      return text(part);
  }
}

function describeRevision(revision: bigint): string | undefined {
  if (revision === ANY_REVISION) return undefined;
  return revision === ABSENT_REVISION ? "if absent" : `if at revision ${revision}`;
}

function number({ bytes }: TapedPart): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true);
}

const MOST_TOLD = 200;
const utf8 = new TextDecoder();

function text({ hashed, length, bytes }: TapedPart): string {
  if (hashed) {
    const short = Buffer.from(bytes.subarray(0, 4)).toString("hex");
    return `${length} bytes of sha256 ${short}…`;
  }
  return JSON.stringify(utf8.decode(bytes).slice(0, MOST_TOLD));
}
