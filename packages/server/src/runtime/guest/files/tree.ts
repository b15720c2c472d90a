import { EXIST, INVAL, ISDIR, LOOP, NOENT, NOTDIR, NOTEMPTY, PERM, XDEV } from "../../errno.ts";
import {
  FILETYPE,
  type Directory,
  type DirectoryEntry,
  type FileStat,
  type FileTimes,
  type OpenFile,
  type OpenMode,
} from "../../files.ts";
import { FileBytes } from "./file-bytes.ts";
import { Inode, type Content, type Folder, type Link } from "./inode.ts";
import { Room } from "./room.ts";
import { TreeFile } from "./tree-file.ts";

export interface TreeOptions {
  /** Of all file bytes together, and some for each inode and each name. */
  readonly limitBytes: number;
  readonly device: bigint;
  /** Nanoseconds since the Unix epoch. */
  readonly now: () => bigint;
  /** Called when the limit stops something. */
  readonly onFull?: () => void;
}

/** What all handles on one tree share. */
class Tree {
  readonly device: bigint;
  readonly room: Room;
  readonly now: () => bigint;
  #inodes = 0n;

  constructor({ limitBytes, device, now, onFull = () => undefined }: TreeOptions) {
    this.device = device;
    this.room = new Room(limitBytes, onFull);
    this.now = now;
  }

  make<C extends Content>(content: C): Inode<C> {
    this.#inodes += 1n;
    return new Inode(this.#inodes, content, this);
  }
}

/** An empty directory in memory, and all that will be in it. NOSPC is thrown where the limit is hit. */
export function memoryTree(options: TreeOptions): Directory {
  const tree = new Tree(options);
  // The root is there before anything can be refused, however small the limit.
  const facts = { room: new Room(Infinity, () => undefined), now: options.now };
  const root = new Inode(0n, folder(null), facts);
  root.name();
  return new TreeDirectory(tree, root);
}

function folder(parent: Folder | null): Folder {
  return { type: FILETYPE.directory, size: 0, entries: new Map(), parent };
}

class TreeDirectory implements Directory {
  readonly #tree: Tree;
  readonly #inode: Inode<Folder>;
  readonly #entries: Map<string, Inode>;

  constructor(tree: Tree, inode: Inode<Folder>) {
    this.#tree = tree;
    this.#inode = inode;
    this.#entries = inode.content.entries;
    inode.open();
  }

  stat(): FileStat {
    return this.#inode.stat(this.#tree.device);
  }

  setTimes(times: FileTimes): void {
    this.#inode.setTimes(times);
  }

  sync(): void {
    // There is nothing behind the memory.
  }

  entries(): readonly DirectoryEntry[] {
    return Array.from(this.#entries, ([name, { number, content }]) => ({
      name,
      inode: number,
      type: content.type,
    }));
  }

  statAt(name: string): FileStat | undefined {
    return this.#entries.get(name)?.stat(this.#tree.device);
  }

  setTimesAt(name: string, times: FileTimes): void {
    this.#there(name).setTimes(times);
  }

  openDirectory(name: string): Directory {
    const inode = this.#there(name);
    if (isLink(inode)) throw LOOP;
    if (!isFolder(inode)) throw NOTDIR;
    return new TreeDirectory(this.#tree, inode);
  }

  reopen(): Directory {
    return new TreeDirectory(this.#tree, this.#inode);
  }

  openFile(name: string, { create, exclusive, truncate }: OpenMode): OpenFile {
    let inode = this.#entries.get(name);
    if (inode === undefined) {
      if (!create) throw NOENT;
      inode = this.#add(name, new FileBytes(this.#tree.room));
    } else if (create && exclusive) {
      throw EXIST;
    }
    if (isLink(inode)) throw LOOP;
    if (isFolder(inode)) throw ISDIR;
    const file = new TreeFile(inode as Inode<FileBytes>, this.#tree.device);
    if (truncate) file.setSize(0n);
    return file;
  }

  readLink(name: string): string {
    const inode = this.#there(name);
    if (!isLink(inode)) throw INVAL;
    return inode.content.target;
  }

  createDirectory(name: string): void {
    this.#vacant(name);
    this.#add(name, folder(this.#inode.content));
  }

  removeDirectory(name: string): void {
    const inode = this.#there(name);
    if (!isFolder(inode)) throw NOTDIR;
    if (inode.content.entries.size > 0) throw NOTEMPTY;
    this.#remove(name, inode);
  }

  unlink(name: string): void {
    const inode = this.#there(name);
    if (isFolder(inode)) throw ISDIR;
    this.#remove(name, inode);
  }

  symlink(name: string, target: string): void {
    this.#vacant(name);
    this.#add(name, {
      type: FILETYPE.symbolicLink,
      target,
      size: Buffer.byteLength(target),
    } satisfies Link);
  }

  link(name: string, to: Directory, newName: string): void {
    const target = this.#sibling(to);
    const inode = this.#there(name);
    target.#vacant(newName);
    if (isFolder(inode)) throw PERM;
    target.#put(newName, inode);
  }

  rename(name: string, to: Directory, newName: string): void {
    const target = this.#sibling(to);
    const inode = this.#there(name);
    const replaced = target.#entries.get(newName);
    if (replaced === inode) return;
    if (isFolder(inode)) {
      if (isWithin(target.#inode.content, inode.content)) throw INVAL;
      if (replaced !== undefined && !isFolder(replaced)) throw NOTDIR;
      if (replaced !== undefined && replaced.content.entries.size > 0) throw NOTEMPTY;
    } else if (replaced !== undefined && isFolder(replaced)) {
      throw ISDIR;
    }
    if (!target.#inode.hasName) throw NOENT;
    if (replaced !== undefined) target.#remove(newName, replaced);
    // The name it has is moved: that takes no room.
    this.#entries.delete(name);
    this.#inode.touch();
    target.#entries.set(newName, inode);
    target.#inode.touch();
    if (isFolder(inode)) inode.content.parent = target.#inode.content;
    inode.rename();
  }

  close(): void {
    this.#inode.close();
  }

  #there(name: string): Inode {
    const inode = this.#entries.get(name);
    if (inode === undefined) throw NOENT;
    return inode;
  }

  #vacant(name: string): void {
    if (this.#entries.has(name)) throw EXIST;
    this.#alive();
  }

  // A directory that was removed while it was open takes nothing any more.
  #alive(): void {
    if (!this.#inode.hasName) throw NOENT;
  }

  #add<C extends Content>(name: string, content: C): Inode<C> {
    this.#alive();
    const inode = this.#tree.make(content);
    try {
      this.#put(name, inode);
    } catch (error) {
      inode.freeIfGone();
      throw error;
    }
    return inode;
  }

  #put(name: string, inode: Inode): void {
    inode.name();
    this.#entries.set(name, inode);
    this.#inode.touch();
  }

  #remove(name: string, inode: Inode): void {
    this.#entries.delete(name);
    this.#inode.touch();
    inode.unname();
  }

  #sibling(to: Directory): TreeDirectory {
    if (!(to instanceof TreeDirectory) || to.#tree !== this.#tree) throw XDEV;
    return to;
  }
}

function isFolder(inode: Inode): inode is Inode<Folder> {
  return inode.content.type === FILETYPE.directory;
}

function isLink(inode: Inode): inode is Inode<Link> {
  return inode.content.type === FILETYPE.symbolicLink;
}

function isWithin(inner: Folder, outer: Folder): boolean {
  for (let at: Folder | null = inner; at !== null; at = at.parent) {
    if (at === outer) return true;
  }
  return false;
}
