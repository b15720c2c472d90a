import { createHash, hash } from "node:crypto";
import { NexusError } from "./errors.ts";
import type { StoredEvent } from "./event.ts";
import type { FunctionSettings } from "./function.ts";
import type { Invocation } from "./invocation.ts";

/** All it takes to run one invocation again, anywhere. */
export interface RecordingFile {
  readonly invocation: Invocation;
  /** core/recording.ts. */
  readonly recording: Uint8Array;
  readonly event: StoredEvent;
  /** The canonical JSON that names the version: its sha256 is `invocation.version`. */
  readonly version: Uint8Array;
  /** Paths at which event and output are not as they were (core/redaction.ts). */
  readonly redacted: readonly string[];
  /** Absent: it is to be given, and known by the hash that the version has. */
  readonly module?: Uint8Array | undefined;
  /** The version's mounts, in its order; only with the module. */
  readonly mounts?: readonly Uint8Array[] | undefined;
}

export const RECORDING_TYPE = "application/vnd.nexus.recording";

// docs/recordings.md describes the file for those who read one without this code.
export const FIRST_LINE = "NEXUS RECORDING 1\n";
/** The first byte of a part. */
export const PART = {
  invocation: "I",
  recording: "R",
  /** Position, time, meta and attributes of the event. */
  head: "H",
  event: "E",
  version: "V",
  redacted: "D",
  module: "W",
  mount: "M",
  end: "Z",
} as const;

type Part = keyof typeof PART;

const PART_HEAD = 5;
const SUM_BYTES = 32;

/** The bytes of a file, with a sum over all of them at its end. */
export function encodeRecordingFile(file: RecordingFile): Buffer {
  const { json: event, ...attributes } = file.event.event;
  const { meta, position, acceptedAt } = file.event;
  const head: EventHead = { position, accepted_at: acceptedAt, meta, attributes };
  const { redacted, module, mounts = [] } = file;
  const content = [
    Buffer.from(FIRST_LINE),
    ...part("invocation", jsonBytes(file.invocation)),
    ...part("recording", file.recording),
    ...part("head", jsonBytes(head)),
    ...part("event", event),
    ...part("version", file.version),
    ...(redacted.length === 0 ? [] : part("redacted", jsonBytes(redacted))),
    ...(module === undefined ? [] : part("module", module)),
    ...mounts.flatMap((mount) => part("mount", mount)),
  ];
  return Buffer.concat([...content, ...part("end", sumOf(content))]);
}

/** RECORDING_INVALID, naming `path`: it is no such file, or a byte of it was changed or is missing. */
export function decodeRecordingFile(bytes: Uint8Array, path: string): RecordingFile {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.toString("latin1", 0, FIRST_LINE.length) !== FIRST_LINE) {
    const [, format] = /^NEXUS RECORDING (\d{1,9})\n/.exec(buffer.toString("latin1", 0, 32)) ?? [];
    throw invalid(
      path,
      format === undefined
        ? 'it does not begin with "NEXUS RECORDING 1"'
        : `its format is ${format}, and this release knows 1`,
    );
  }
  const end = buffer.length - SUM_BYTES - PART_HEAD;
  const sum = end < FIRST_LINE.length ? undefined : sumOf([buffer.subarray(0, end)]);
  if (sum === undefined || !Buffer.concat(part("end", sum)).equals(buffer.subarray(end))) {
    throw invalid(path, "a part of it was changed or is missing");
  }
  try {
    return fileOf(partsIn(buffer, end));
  } catch (error) {
    // Its sum is right, so whoever wrote it wrote something else.
    throw invalid(path, `it is not well formed: ${(error as Error).message}`);
  }
}

type Parts = ReadonlyMap<string, readonly Buffer[]>;

function partsIn(buffer: Buffer, end: number): Parts {
  const parts = new Map<string, Buffer[]>();
  for (let at = FIRST_LINE.length; at < end;) {
    const from = at + PART_HEAD;
    const to = from + buffer.readUInt32LE(at + 1);
    if (to > end) throw new Error("a part is longer than the file");
    const kind = String.fromCharCode(buffer[at]!);
    parts.set(kind, [...(parts.get(kind) ?? []), buffer.subarray(from, to)]);
    at = to;
  }
  return parts;
}

function fileOf(parts: Parts): RecordingFile {
  const one = (kind: Part): Buffer => {
    const found = parts.get(PART[kind])?.[0];
    if (found === undefined) throw new Error(`it has no ${kind}`);
    return found;
  };
  const invocation = JSON.parse(one("invocation").toString()) as Invocation;
  const head = JSON.parse(one("head").toString()) as EventHead;
  const version = one("version");
  if (hash("sha256", version, "hex") !== invocation.version) {
    throw new Error("its version is not the one that ran");
  }
  if (!isVersion(JSON.parse(version.toString()))) throw new Error("its version is none");
  const redacted = parts.get(PART.redacted)?.[0];
  return {
    invocation,
    recording: one("recording"),
    event: {
      event: { ...head.attributes, json: one("event") },
      meta: head.meta,
      position: head.position,
      acceptedAt: head.accepted_at,
    },
    version,
    redacted: redacted === undefined ? [] : (JSON.parse(redacted.toString()) as string[]),
    module: parts.get(PART.module)?.[0],
    mounts: parts.get(PART.mount) ?? [],
  };
}

/** As far as it takes to find the module and to run it; functions/version.ts has the rest. */
function isVersion(content: Partial<{ module: unknown; settings: Partial<FunctionSettings> }>) {
  const { module, settings } = content;
  const limits = typeof settings === "object" ? settings.limits : undefined;
  return /^[0-9a-f]{64}$/.test(String(module)) && typeof limits?.timeoutMs === "number";
}

interface EventHead {
  readonly position: number;
  readonly accepted_at: number;
  readonly meta: StoredEvent["meta"];
  readonly attributes: Omit<StoredEvent["event"], "json">;
}

/** Not joined: a module is large, and copied once. */
function part(kind: Part, payload: Uint8Array): readonly Uint8Array[] {
  const head = Buffer.allocUnsafe(PART_HEAD);
  head.write(PART[kind], "latin1");
  head.writeUInt32LE(payload.length, 1);
  return [head, payload];
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function sumOf(all: readonly Uint8Array[]): Buffer {
  const sum = createHash("sha256");
  for (const bytes of all) sum.update(bytes);
  return sum.digest();
}

function invalid(path: string, how: string): NexusError {
  return new NexusError("RECORDING_INVALID", `Cannot use the recording "${path}": ${how}`);
}
