import { hash } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { NexusError } from "../core/errors.ts";

// An archive is one line that says what it is, then frames. docs/backup.md describes it for those who read
// one without this code: what is changed here is to be changed there, with a new number in that line.

/**
 * Format 2 is format 1 with recordings beside records, and with the state. A reader of 1 alone would drop
 * these, and not say so.
 */
export const FORMAT = 2;

export const FIRST_LINE = firstLine(FORMAT);

/** One that begins otherwise is not read. Of the same length, all of them. */
export const FIRST_LINES: readonly Buffer[] = [FIRST_LINE, firstLine(1)];

function firstLine(format: number): Buffer {
  return Buffer.from(`NEXUS ARCHIVE ${format}\n`);
}

/** What a frame holds, by its first byte. */
export const FRAME_KINDS = {
  header: 0x48, // H
  events: 0x45, // E
  invocations: 0x49, // I
  modules: 0x4d, // M
  values: 0x56, // V
  state: 0x53, // S
  trailer: 0x5a, // Z
} as const;

export type FrameKind = keyof typeof FRAME_KINDS;

/** In front of the payload: the kind, the payload's length (4 bytes) and the sha256 of both and the payload. */
export const FRAME_HEAD = 37;
const LENGTH_AT = 1;
const SUM_AT = 5;

/** A frame's own payload: no more is written, and none is read that says it is more. */
export const MAX_PAYLOAD = 512 * 1024 * 1024;

export interface ArchiveHeader {
  /** Of this archive: how an import that was cut off knows it again. */
  readonly id: string;
  readonly driver: string;
  /** RFC 3339. */
  readonly created_at: string;
  /** Of the program that wrote it. */
  readonly version: string;
}

/** How much there is of everything. */
export interface ArchiveCounts {
  readonly events: number;
  readonly invocations: number;
  readonly dead_letters: number;
  readonly retries: number;
  readonly functions: number;
  readonly modules: number;
  readonly values: number;
}

export interface ArchiveTrailer {
  readonly counts: ArchiveCounts;
  /** Of every byte before the trailer's frame. */
  readonly sha256: string;
}

/** One thing in a frame: JSON, and bytes where it has some. */
export interface Entry {
  readonly json: unknown;
  readonly bytes?: Uint8Array;
}

/** A frame of these entries, each as `encodeEntry` gives it. */
export function encodeFrame(kind: FrameKind, entries: readonly Uint8Array[]): Buffer {
  const payload = zstdCompressSync(Buffer.concat(entries));
  const frame = Buffer.allocUnsafe(FRAME_HEAD + payload.length);
  frame[0] = FRAME_KINDS[kind];
  frame.writeUInt32LE(payload.length, LENGTH_AT);
  payload.copy(frame, FRAME_HEAD);
  sumOf(frame).copy(frame, SUM_AT);
  return frame;
}

/** The lengths of the JSON and of the bytes (4 bytes each), the JSON, the bytes. */
export function encodeEntry({ json, bytes = NO_BYTES }: Entry): Buffer {
  const text = Buffer.from(JSON.stringify(json));
  const lengths = Buffer.allocUnsafe(8);
  lengths.writeUInt32LE(text.length, 0);
  lengths.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([lengths, text, bytes]);
}

export interface FrameHead {
  readonly kind: FrameKind;
  readonly length: number;
}

/** Undefined: these bytes begin no frame. */
export function decodeHead(bytes: Buffer): FrameHead | undefined {
  const kind = KINDS.get(bytes[0]!);
  const length = bytes.readUInt32LE(LENGTH_AT);
  return kind === undefined || length > MAX_PAYLOAD ? undefined : { kind, length };
}

/** Whether a frame is as it was written. */
export function isSound(frame: Buffer): boolean {
  return sumOf(frame).equals(frame.subarray(SUM_AT, FRAME_HEAD));
}

/** What a sound frame holds. */
export function decodeFrame(frame: Buffer): Entry[] {
  const payload = zstdDecompressSync(frame.subarray(FRAME_HEAD));
  const entries: Entry[] = [];
  for (let at = 0; at < payload.length;) {
    const jsonEnd = at + 8 + payload.readUInt32LE(at);
    const end = jsonEnd + payload.readUInt32LE(at + 4);
    const json: unknown = JSON.parse(payload.toString("utf8", at + 8, jsonEnd));
    entries.push({ json, bytes: payload.subarray(jsonEnd, end) });
    at = end;
  }
  return entries;
}

export function archiveInvalid(path: string, how: string, cause?: unknown): NexusError {
  return new NexusError("ARCHIVE_INVALID", `Cannot use archive "${path}": ${how}`, { cause });
}

const KINDS = new Map<number, FrameKind>(
  Object.entries(FRAME_KINDS).map(([kind, byte]) => [byte, kind as FrameKind]),
);

function sumOf(frame: Buffer): Buffer {
  const content = [frame.subarray(0, SUM_AT), frame.subarray(FRAME_HEAD)];
  return Buffer.from(hash("sha256", Buffer.concat(content), "hex"), "hex");
}

const NO_BYTES = new Uint8Array();
