import { FILETYPE, type FileStat, type FileTimes } from "../../files.ts";
import type { FileBytes } from "./file-bytes.ts";
import type { Room } from "./room.ts";

/** About what the host spends on an inode, and on a name in a directory, beside a file's bytes. */
export const INODE_BYTES = 512;
export const NAME_BYTES = 512;

export interface Link {
  readonly type: typeof FILETYPE.symbolicLink;
  readonly target: string;
  /** Bytes of the target. */
  readonly size: number;
}

export interface Folder {
  readonly type: typeof FILETYPE.directory;
  readonly size: 0;
  readonly entries: Map<string, Inode>;
  parent: Folder | null;
}

export type Content = FileBytes | Folder | Link;

/** What lies in a tree: its times and names, and what is in it. */
export class Inode<C extends Content = Content> {
  readonly number: bigint;
  readonly content: C;
  readonly #room: Room;
  readonly #now: () => bigint;
  /** Names it has, and handles that are open on it: it takes room as long as there is one of them. */
  #links = 0;
  #opens = 0;
  #accessedNs: bigint;
  #modifiedNs: bigint;
  #changedNs: bigint;

  /** Without a name: `name` or `freeIfGone` is to be called. NOSPC where there is no room. */
  constructor(number: bigint, content: C, { room, now }: { room: Room; now: () => bigint }) {
    room.takeHeap(INODE_BYTES + content.size);
    this.number = number;
    this.content = content;
    this.#room = room;
    this.#now = now;
    this.#accessedNs = now();
    this.#modifiedNs = this.#accessedNs;
    this.#changedNs = this.#accessedNs;
  }

  get hasName(): boolean {
    return this.#links > 0;
  }

  stat(device: bigint): FileStat {
    return {
      device,
      inode: this.number,
      type: this.content.type,
      links: BigInt(this.#links),
      size: BigInt(this.content.size),
      accessedNs: this.#accessedNs,
      modifiedNs: this.#modifiedNs,
      changedNs: this.#changedNs,
    };
  }

  setTimes({ accessedNs, modifiedNs }: FileTimes): void {
    this.#accessedNs = accessedNs ?? this.#accessedNs;
    this.#modifiedNs = modifiedNs ?? this.#modifiedNs;
    this.#changedNs = this.#now();
  }

  /** After its content has changed. */
  touch(): void {
    this.#modifiedNs = this.#now();
    this.#changedNs = this.#modifiedNs;
  }

  /** One name more; NOSPC leaves it as it was. */
  name(): void {
    this.#room.takeHeap(NAME_BYTES);
    this.#links += 1;
    this.#changedNs = this.#now();
  }

  unname(): void {
    this.#room.giveBackHeap(NAME_BYTES);
    this.#links -= 1;
    this.#changedNs = this.#now();
    this.freeIfGone();
  }

  rename(): void {
    this.#changedNs = this.#now();
  }

  open(): void {
    this.#opens += 1;
  }

  close(): void {
    this.#opens -= 1;
    this.freeIfGone();
  }

  freeIfGone(): void {
    if (this.#links > 0 || this.#opens > 0) return;
    const { content } = this;
    // A file's bytes are no part of the heap.
    if (content.type === FILETYPE.regularFile) content.free();
    this.#room.giveBackHeap(INODE_BYTES + content.size);
  }
}
