import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import {
  type ArchiveHeader,
  type ArchiveTrailer,
  archiveInvalid,
  decodeFrame,
  decodeHead,
  FIRST_LINE,
  FIRST_LINES,
  FORMAT,
  FRAME_HEAD,
  type FrameKind,
  isSound,
} from "./format.ts";

/** A frame that is as it was written. */
export interface Frame {
  readonly kind: FrameKind;
  readonly bytes: Buffer;
  /** Where it begins, in bytes. */
  readonly at: number;
  /** Where the next one begins. */
  readonly end: number;
}

/**
 * The frames of an archive, in order; each is checked before it is given, and at the end the trailer's
 * sum over all of them. ARCHIVE_INVALID where a byte was changed or the end is missing.
 */
export async function* readFrames(path: string): AsyncGenerator<Frame> {
  const { file: opened, line } = await openArchive(path);
  await using file = opened;
  const sum = createHash("sha256").update(line);
  for (let at = FIRST_LINE.length; ;) {
    const frame = await frameAt(file, at);
    if (typeof frame === "string") throw archiveInvalid(path, frame);
    if (frame.kind === "trailer") {
      const { size } = await file.stat();
      if (size > frame.end) throw archiveInvalid(path, "something follows its end");
      if (trailerOf(frame).sha256 !== sum.digest("hex")) {
        throw archiveInvalid(path, "its parts are not those that were written together");
      }
      yield frame;
      return;
    }
    sum.update(frame.bytes);
    yield frame;
    at = frame.end;
  }
}

/**
 * The frames of an archive whose writing was cut off, as far as they are whole. ARCHIVE_INVALID where
 * it is no archive.
 */
export async function* readWholeFrames(path: string): AsyncGenerator<Frame> {
  const { file: opened } = await openArchive(path);
  await using file = opened;
  for (let at = FIRST_LINE.length; ;) {
    const frame = await frameAt(file, at);
    if (typeof frame === "string") return;
    yield frame;
    at = frame.end;
  }
}

export function headerOf({ bytes }: Frame): ArchiveHeader {
  return decodeFrame(bytes)[0]!.json as ArchiveHeader;
}

export function trailerOf({ bytes }: Frame): ArchiveTrailer {
  return decodeFrame(bytes)[0]!.json as ArchiveTrailer;
}

async function openArchive(path: string): Promise<{ file: FileHandle; line: Buffer }> {
  const file = await open(path, "r");
  const line = await bytesAt(file, 0, FIRST_LINE.length);
  if (FIRST_LINES.some((each) => each.equals(line))) return { file, line };
  await file.close();
  const [, number] = /^NEXUS ARCHIVE (\d+)\n/.exec(line.toString("latin1")) ?? [];
  throw archiveInvalid(
    path,
    number === undefined
      ? "it is not an archive of `nexus export`"
      : `it has format ${number}, and this version reads formats up to ${FORMAT} (use a newer version)`,
  );
}

/** What is wrong with it where there is no whole frame. */
async function frameAt(file: FileHandle, at: number): Promise<Frame | string> {
  const cutOff = `it is cut off at byte ${at} (its end is missing)`;
  const start = await bytesAt(file, at, FRAME_HEAD);
  if (start.length < FRAME_HEAD) return cutOff;
  const head = decodeHead(start);
  const damaged = `it was changed after it was written, in the part at byte ${at}`;
  if (head === undefined) return damaged;
  const length = FRAME_HEAD + head.length;
  const { size } = await file.stat();
  if (at + length > size) return cutOff;
  const bytes = await bytesAt(file, at, length);
  return isSound(bytes) ? { kind: head.kind, bytes, at, end: at + length } : damaged;
}

/** As many as there are. */
async function bytesAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, at + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}
