import { FBIG } from "../../errno.ts";
import type { FileStat, FileTimes, OpenFile } from "../../files.ts";
import type { FileBytes } from "./file-bytes.ts";
import type { Inode } from "./inode.ts";

/** A file of a tree, open: it stays readable and writable when its last name is gone. */
export class TreeFile implements OpenFile {
  readonly #inode: Inode<FileBytes>;
  readonly #device: bigint;

  constructor(inode: Inode<FileBytes>, device: bigint) {
    this.#inode = inode;
    this.#device = device;
    inode.open();
  }

  stat(): FileStat {
    return this.#inode.stat(this.#device);
  }

  setTimes(times: FileTimes): void {
    this.#inode.setTimes(times);
  }

  read(position: bigint, into: Uint8Array): number {
    return this.#inode.content.read(Number(position), into);
  }

  write(position: bigint | null, bytes: Uint8Array): number {
    const { content } = this.#inode;
    const written = content.write(position === null ? content.size : exact(position), bytes);
    if (written > 0) this.#inode.touch();
    return written;
  }

  setSize(size: bigint): void {
    this.#inode.content.resize(exact(size));
    this.#inode.touch();
  }

  allocate(offset: bigint, length: bigint): void {
    const end = offset + length;
    if (end > BigInt(this.#inode.content.size)) this.setSize(end);
  }

  sync(): void {
    // There is nothing behind the memory.
  }

  close(): void {
    this.#inode.close();
  }
}

const MOST_OFFSET = 2n ** 52n;

/** As a number that arithmetic is exact with. */
function exact(offset: bigint): number {
  if (offset > MOST_OFFSET) throw FBIG;
  return Number(offset);
}
