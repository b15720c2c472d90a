import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import {
  type ArchiveCounts,
  encodeEntry,
  encodeFrame,
  type Entry,
  FIRST_LINE,
  type FrameKind,
} from "./format.ts";
import type { Frame } from "./reader.ts";

/** Of a frame before it is compressed, about: what a reader has to hold at a time. */
const FRAME_BYTES = 1024 * 1024;
/** Written and not synced; what a power cut takes has to be written again by `--resume`. */
const SYNC_BYTES = 64 * 1024 * 1024;
/** It holds all that was ever published. */
const OWNER_ONLY = 0o600;

/** Writes an archive's frames, each full before the next is begun. */
export class ArchiveWriter {
  readonly #file: FileHandle;
  readonly #sum: Hash;
  #bytes: number;
  #unsynced = 0;
  #kind: FrameKind = "header";
  #entries: Buffer[] = [];
  #entryBytes = 0;

  private constructor(file: FileHandle, sum: Hash, bytes: number) {
    this.#file = file;
    this.#sum = sum;
    this.#bytes = bytes;
  }

  /** A new file. Rejects with what the file system says; EEXIST where there is one. */
  static async create(path: string): Promise<ArchiveWriter> {
    const writer = new ArchiveWriter(await open(path, "wx", OWNER_ONLY), createHash("sha256"), 0);
    await writer.#write(FIRST_LINE);
    return writer;
  }

  /**
   * Goes on behind these frames of a file, of whatever format they are; what follows them there goes, and
   * the file becomes one of this format.
   */
  static async resume(path: string, kept: AsyncIterable<Frame>): Promise<ArchiveWriter> {
    const sum = createHash("sha256").update(FIRST_LINE);
    let end = FIRST_LINE.length;
    for await (const frame of kept) {
      sum.update(frame.bytes);
      ({ end } = frame);
    }
    const file = await open(path, "r+");
    await file.truncate(end);
    await file.write(FIRST_LINE, 0, FIRST_LINE.length, 0);
    return new ArchiveWriter(file, sum, end);
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  async add(kind: FrameKind, entry: Entry): Promise<void> {
    if (kind !== this.#kind) await this.flush();
    this.#kind = kind;
    const encoded = encodeEntry(entry);
    this.#entries.push(encoded);
    this.#entryBytes += encoded.length;
    if (this.#entryBytes >= FRAME_BYTES) await this.flush();
  }

  /** Writes what was added as a frame of its own. */
  async flush(): Promise<void> {
    if (this.#entries.length === 0) return;
    const frame = encodeFrame(this.#kind, this.#entries);
    this.#entries = [];
    this.#entryBytes = 0;
    await this.#write(frame);
  }

  /** Writes the end. Resolves when all of it would survive a power cut; then it takes no more. */
  async finish(counts: ArchiveCounts): Promise<void> {
    await this.flush();
    const sha256 = this.#sum.copy().digest("hex");
    await this.#write(encodeFrame("trailer", [encodeEntry({ json: { counts, sha256 } })]));
    await this.#file.sync();
  }

  /** Closes the file, whole or not. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#file.write(bytes, 0, bytes.length, this.#bytes);
    this.#sum.update(bytes);
    this.#bytes += bytes.length;
    this.#unsynced += bytes.length;
    if (this.#unsynced < SYNC_BYTES) return;
    this.#unsynced = 0;
    await this.#file.datasync();
  }
}
