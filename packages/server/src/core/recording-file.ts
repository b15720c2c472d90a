import { hash } from "node:crypto";
import { NexusError } from "./errors.ts";
import type { StoredEvent } from "./event.ts";
import type { Invocation } from "./invocation.ts";

/** All it takes to run one invocation again, anywhere. */
export interface RecordingFile {
  readonly invocation: Invocation;
  /** core/recording.ts. */
  readonly recording: Uint8Array;
  readonly event: StoredEvent;
  /** The canonical JSON that names the version: its sha256 is `invocation.version`. */
  readonly version: Uint8Array;
  /** Absent: it is to be given, and known by the hash that the version has. */
  readonly module?: Uint8Array | undefined;
  /** The version's mounts, in its order; only with the module. */
  readonly mounts?: readonly Uint8Array[] | undefined;
}

// docs/recordings.md describes the file for those who read one without this code.
const FIRST_LINE = Buffer.from("NEXUS RECORDING 1\n");
const PART = {
  invocation: 0x49, // I
  recording: 0x52, // R
  head: 0x48, // H: position, time, meta and attributes of the event
  event: 0x45, // E
  version: 0x56, // V
  module: 0x57, // W
  mount: 0x4d, // M
  end: 0x5a, // Z
} as const;
const PART_HEAD = 5;
const SUM_BYTES = 32;

/** The bytes of a file, with a sum over all of them at its end. */
export function encodeRecordingFile(file: RecordingFile): Buffer {
  const { json: event, ...attributes } = file.event.event;
  const { meta, position, acceptedAt } = file.event;
  const head = { position, accepted_at: acceptedAt, meta, attributes };
  const content = Buffer.concat([
    FIRST_LINE,
    part("invocation", Buffer.from(JSON.stringify(file.invocation))),
    part("recording", file.recording),
    part("head", Buffer.from(JSON.stringify(head))),
    part("event", event),
    part("version", file.version),
    ...(file.module === undefined ? [] : [part("module", file.module)]),
    ...(file.mounts ?? []).map((mount) => part("mount", mount)),
  ]);
  return Buffer.concat([content, part("end", sumOf(content))]);
}

/** RECORDING_INVALID, naming `path`: it is no such file, or a byte of it was changed or is missing. */
export function decodeRecordingFile(bytes: Uint8Array, path: string): RecordingFile {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!buffer.subarray(0, FIRST_LINE.length).equals(FIRST_LINE)) {
    throw invalid(path, 'it does not begin with "NEXUS RECORDING 1"');
  }
  const end = buffer.length - SUM_BYTES;
  const endsWell = end - PART_HEAD >= FIRST_LINE.length && buffer[end - PART_HEAD] === PART.end;
  if (!endsWell || !sumOf(buffer.subarray(0, end - PART_HEAD)).equals(buffer.subarray(end))) {
    throw invalid(path, "a part of it was changed or is missing");
  }
  const parts = new Map<number, Buffer[]>();
  for (let at = FIRST_LINE.length; at < end - PART_HEAD;) {
    const from = at + PART_HEAD;
    const to = from + buffer.readUInt32LE(at + 1);
    const kind = buffer[at]!;
    parts.set(kind, [...(parts.get(kind) ?? []), buffer.subarray(from, to)]);
    at = to;
  }
  const one = (kind: Exclude<keyof typeof PART, "end">): Buffer => {
    const found = parts.get(PART[kind])?.[0];
    if (found === undefined) throw invalid(path, `it has no ${kind}`);
    return found;
  };
  const head = JSON.parse(one("head").toString()) as EventHead;
  return {
    invocation: JSON.parse(one("invocation").toString()) as Invocation,
    recording: one("recording"),
    event: {
      event: { ...head.attributes, json: one("event") },
      meta: head.meta,
      position: head.position,
      acceptedAt: head.accepted_at,
    },
    version: one("version"),
    module: parts.get(PART.module)?.[0],
    mounts: parts.get(PART.mount) ?? [],
  };
}

interface EventHead {
  readonly position: number;
  readonly accepted_at: number;
  readonly meta: StoredEvent["meta"];
  readonly attributes: Omit<StoredEvent["event"], "json">;
}

function part(kind: keyof typeof PART, payload: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(PART_HEAD);
  head[0] = PART[kind];
  head.writeUInt32LE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

function sumOf(bytes: Uint8Array): Buffer {
  return Buffer.from(hash("sha256", bytes, "hex"), "hex");
}

function invalid(path: string, how: string): NexusError {
  return new NexusError("RECORDING_INVALID", `Cannot use the recording "${path}": ${how}`);
}
