/**
 * The port of file systems: what a guest's descriptors stand on. A name is one component of a path, never
 * empty, `.`, `..` or with a slash in it, and no verb follows a symbolic link: paths are walked by
 * guest/files/ over this port, so that no driver ever sees a way out of what was granted.
 *
 * Every verb is synchronous and throws a WasiError (errno.ts) with the code that the specification and
 * Linux have for the case; it then has changed nothing. Times are nanoseconds since the Unix epoch.
 */

/** By the numbers of WASI preview 1. */
export const FILETYPE = {
  unknown: 0,
  blockDevice: 1,
  characterDevice: 2,
  directory: 3,
  regularFile: 4,
  socketDgram: 5,
  socketStream: 6,
  symbolicLink: 7,
} as const;

export type FileType = (typeof FILETYPE)[keyof typeof FILETYPE];

export interface FileStat {
  readonly device: bigint;
  /** With `device`, names the file as long as it exists. */
  readonly inode: bigint;
  readonly type: FileType;
  readonly links: bigint;
  /** Bytes; of a symbolic link, of its target. */
  readonly size: bigint;
  readonly accessedNs: bigint;
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
}

/** What is undefined stays as it is. */
export interface FileTimes {
  readonly accessedNs?: bigint;
  readonly modifiedNs?: bigint;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly inode: bigint;
  readonly type: FileType;
}

export interface OpenMode {
  readonly read: boolean;
  readonly write: boolean;
  /** Makes the file where there is none. */
  readonly create: boolean;
  /** With `create`: EXIST where there is something, a symbolic link included. */
  readonly exclusive: boolean;
  readonly truncate: boolean;
}

/** An open directory; it stays what it is when it is renamed, and usable for `stat` when it is removed. */
export interface Directory {
  stat(): FileStat;
  setTimes(times: FileTimes): void;
  sync(): void;
  /** In an order that does not change while nothing in the directory changes; without `.` and `..`. */
  entries(): readonly DirectoryEntry[];
  /** What stands there; undefined: nothing. */
  statAt(name: string): FileStat | undefined;
  setTimesAt(name: string, times: FileTimes): void;
  /** NOENT; NOTDIR where something else stands there; LOOP where a symbolic link does. */
  openDirectory(name: string): Directory;
  /** Another handle on this directory, to be closed by itself. */
  reopen(): Directory;
  /** NOENT; ISDIR for a directory; LOOP for a symbolic link; EXIST; ROFS where nothing can be written. */
  openFile(name: string, mode: OpenMode): OpenFile;
  /** The target as it was given; INVAL where something else stands there. */
  readLink(name: string): string;
  createDirectory(name: string): void;
  /** NOTDIR, NOTEMPTY. */
  removeDirectory(name: string): void;
  /** ISDIR for a directory (Linux; POSIX says PERM). */
  unlink(name: string): void;
  symlink(name: string, target: string): void;
  /** `to` is of the same driver; XDEV where it cannot be linked into. A symbolic link is linked itself. */
  link(name: string, to: Directory, newName: string): void;
  /** As rename(2): replaces a file by a file, an empty directory by a directory. */
  rename(name: string, to: Directory, newName: string): void;
  close(): void;
}

/** An open regular file, or a device; usable after its name is gone. */
export interface OpenFile {
  stat(): FileStat;
  setTimes(times: FileTimes): void;
  /** Bytes read; 0 at the end. */
  read(position: bigint, into: Uint8Array): number;
  /** Bytes written, all of them unless there is no room. `position` null: at the end, wherever that is now. */
  write(position: bigint | null, bytes: Uint8Array): number;
  setSize(size: bigint): void;
  /** At least so large afterwards, never smaller. */
  allocate(offset: bigint, length: bigint): void;
  sync(dataOnly: boolean): void;
  /**
   * Only of what may have to be waited for: waits no longer than that for something to read. Tells how
   * many bytes are known to be there, 0 at the end; undefined: there was nothing in that time.
   */
  ready?(timeoutMs: number): number | undefined;
  close(): void;
}
