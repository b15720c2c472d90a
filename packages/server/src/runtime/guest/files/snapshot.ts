import { EXIST, INVAL, ISDIR, LOOP, NOENT, NOTDIR, ROFS } from "../../errno.ts";
import {
  FILETYPE,
  type Directory,
  type DirectoryEntry,
  type FileStat,
  type OpenFile,
  type OpenMode,
} from "../../files.ts";
import type { MountedFiles, MountedNode } from "../../protocol.ts";

/** Files as they were at deploy, read only: whatever would change something is refused with ROFS. */
export function snapshotDirectory(files: MountedFiles, device: bigint): Directory {
  return new SnapshotDirectory(new Snapshot(files, device), 0);
}

const TYPES = {
  directory: FILETYPE.directory,
  file: FILETYPE.regularFile,
  link: FILETYPE.symbolicLink,
} as const;

type Node<K extends MountedNode["kind"]> = Extract<MountedNode, { kind: K }>;

class Snapshot {
  readonly #nodes: readonly MountedNode[];
  readonly #bytes: Uint8Array;
  readonly #device: bigint;
  /** The names of each directory that was looked into. */
  readonly #names = new Map<number, ReadonlyMap<string, number>>();

  constructor({ nodes, bytes }: MountedFiles, device: bigint) {
    this.#nodes = nodes;
    this.#bytes = new Uint8Array(bytes);
    this.#device = device;
  }

  node(index: number): MountedNode {
    return this.#nodes[index]!;
  }

  find(directory: number, name: string): number | undefined {
    let names = this.#names.get(directory);
    if (names === undefined) {
      const { entries } = this.node(directory) as Node<"directory">;
      names = new Map(entries.map(({ name, node }) => [name, node]));
      this.#names.set(directory, names);
    }
    return names.get(name);
  }

  bytesOf({ at, length }: Node<"file">): Uint8Array {
    return this.#bytes.subarray(at, at + length);
  }

  // Times are no part of a version, so all read as the epoch.
  stat(index: number): FileStat {
    const node = this.node(index);
    return {
      device: this.#device,
      inode: BigInt(index + 1),
      type: TYPES[node.kind],
      links: 1n,
      size: BigInt(sizeOf(node)),
      accessedNs: 0n,
      modifiedNs: 0n,
      changedNs: 0n,
    };
  }
}

function sizeOf(node: MountedNode): number {
  if (node.kind === "file") return node.length;
  return node.kind === "link" ? Buffer.byteLength(node.target) : 0;
}

function refuse(): never {
  throw ROFS;
}

class SnapshotDirectory implements Directory {
  readonly #snapshot: Snapshot;
  readonly #index: number;

  constructor(snapshot: Snapshot, index: number) {
    this.#snapshot = snapshot;
    this.#index = index;
  }

  stat(): FileStat {
    return this.#snapshot.stat(this.#index);
  }

  entries(): readonly DirectoryEntry[] {
    const { entries } = this.#snapshot.node(this.#index) as Node<"directory">;
    return entries.map(({ name, node }) => ({
      name,
      inode: BigInt(node + 1),
      type: TYPES[this.#snapshot.node(node).kind],
    }));
  }

  statAt(name: string): FileStat | undefined {
    const index = this.#snapshot.find(this.#index, name);
    return index === undefined ? undefined : this.#snapshot.stat(index);
  }

  openDirectory(name: string): Directory {
    const index = this.#there(name);
    const { kind } = this.#snapshot.node(index);
    if (kind === "link") throw LOOP;
    if (kind !== "directory") throw NOTDIR;
    return new SnapshotDirectory(this.#snapshot, index);
  }

  reopen(): Directory {
    return this;
  }

  openFile(name: string, { write, create, exclusive, truncate }: OpenMode): OpenFile {
    const index = this.#snapshot.find(this.#index, name);
    if (index === undefined) throw create ? ROFS : NOENT;
    if (create && exclusive) throw EXIST;
    const node = this.#snapshot.node(index);
    if (node.kind === "link") throw LOOP;
    if (node.kind === "directory") throw ISDIR;
    if (write || truncate) throw ROFS;
    return new SnapshotFile(this.#snapshot, index, node);
  }

  readLink(name: string): string {
    const node = this.#snapshot.node(this.#there(name));
    if (node.kind !== "link") throw INVAL;
    return node.target;
  }

  createDirectory(name: string): void {
    this.#refuseNew(name);
  }

  removeDirectory(name: string): void {
    if (this.#snapshot.node(this.#there(name)).kind !== "directory") throw NOTDIR;
    refuse();
  }

  unlink(name: string): void {
    if (this.#snapshot.node(this.#there(name)).kind === "directory") throw ISDIR;
    refuse();
  }

  symlink(name: string): void {
    this.#refuseNew(name);
  }

  setTimesAt(name: string): void {
    this.#there(name);
    refuse();
  }

  link(name: string): void {
    this.#there(name);
    refuse();
  }

  rename(name: string): void {
    this.#there(name);
    refuse();
  }

  setTimes(): void {
    refuse();
  }

  sync(): void {
    // Nothing here is ever dirty.
  }

  close(): void {
    // Nothing is held but memory.
  }

  #there(name: string): number {
    const index = this.#snapshot.find(this.#index, name);
    if (index === undefined) throw NOENT;
    return index;
  }

  #refuseNew(name: string): void {
    if (this.#snapshot.find(this.#index, name) !== undefined) throw EXIST;
    refuse();
  }
}

class SnapshotFile implements OpenFile {
  readonly #snapshot: Snapshot;
  readonly #index: number;
  readonly #bytes: Uint8Array;

  constructor(snapshot: Snapshot, index: number, node: Node<"file">) {
    this.#snapshot = snapshot;
    this.#index = index;
    this.#bytes = snapshot.bytesOf(node);
  }

  stat(): FileStat {
    return this.#snapshot.stat(this.#index);
  }

  read(position: bigint, into: Uint8Array): number {
    if (position >= BigInt(this.#bytes.length)) return 0;
    const at = Number(position);
    const part = this.#bytes.subarray(at, at + into.length);
    into.set(part);
    return part.length;
  }

  write(): number {
    return refuse();
  }

  setSize(): void {
    refuse();
  }

  allocate(): void {
    refuse();
  }

  setTimes(): void {
    refuse();
  }

  sync(): void {
    // Nothing here is ever dirty.
  }

  close(): void {
    // Nothing is held but memory.
  }
}
