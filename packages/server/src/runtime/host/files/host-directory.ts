import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from "node:fs";
import { ISDIR, LOOP, NOENT, NOTDIR, XDEV } from "../../errno.ts";
import {
  FILETYPE,
  type Directory,
  type DirectoryEntry,
  type FileStat,
  type FileTimes,
  type OpenFile,
  type OpenMode,
} from "../../files.ts";
import { ExactTimes } from "./exact-times.ts";
import { HostFile } from "./host-file.ts";
import { asking, codeOf, wasiError } from "./node-errors.ts";
import { fileStat } from "./stat.ts";

const DESCRIPTORS = "/proc/self/fd";
/** Linux: a descriptor that names the directory, whether it may be read or not. Node has no constant for it. */
const O_PATH = 0x20_0000;
const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC } = constants;
// Windows has none of these: undefined, which is 0 among bits.
const { O_DIRECTORY, O_NOFOLLOW, O_NOCTTY } = constants;
const MAY_FOLLOW = process.platform === "win32";

/** How names in a directory are reached. */
export type Reach = "descriptors" | "paths";

/**
 * A directory of the host's, read and written. Reached by its descriptor, a name means what stands in
 * that very directory: whoever renames it or puts a symbolic link in its place meanwhile leads nobody
 * elsewhere. Where the system does not offer that (all but Linux), names are reached by the path the
 * directory had when it was opened, and refused once something else stands there; somebody who changes
 * the tree in that moment is not kept out.
 */
export function hostDirectory(path: string, reach: Reach = ownReach()): Directory {
  const times = new ExactTimes();
  const real = asking(() => realpathSync(path));
  return new HostDirectory({ fd: openDirectoryAt(real, reach), path: real, reach, times });
}

function ownReach(): Reach {
  return process.platform === "linux" && existsSync(DESCRIPTORS) ? "descriptors" : "paths";
}

interface Place {
  readonly fd: number;
  readonly path: string;
  readonly reach: Reach;
  readonly times: ExactTimes;
}

class HostDirectory implements Directory {
  readonly #fd: number;
  readonly #path: string;
  readonly #reach: Reach;
  readonly #times: ExactTimes;

  constructor({ fd, path, reach, times }: Place) {
    this.#fd = fd;
    this.#path = path;
    this.#reach = reach;
    this.#times = times;
  }

  stat(): FileStat {
    return this.#times.told(this.#stored());
  }

  setTimes(times: FileTimes): void {
    this.#times.set(times, {
      set: (accessed, modified) => asking(() => utimesSync(this.#here(), accessed, modified)),
      stat: () => this.#stored(),
    });
  }

  sync(): void {
    asking(() => {
      const readable = openSync(this.#here(), O_RDONLY | O_DIRECTORY);
      try {
        fsyncSync(readable);
      } finally {
        closeSync(readable);
      }
    });
  }

  entries(): readonly DirectoryEntry[] {
    return asking(() => readdirSync(this.#here())).flatMap((name) => {
      const stat = this.#storedAt(name);
      return stat === undefined ? [] : [{ name, inode: stat.inode, type: stat.type }];
    });
  }

  statAt(name: string): FileStat | undefined {
    const stat = this.#storedAt(name);
    return stat === undefined ? undefined : this.#times.told(stat);
  }

  setTimesAt(name: string, times: FileTimes): void {
    if (this.#storedAt(name) === undefined) throw NOENT;
    this.#times.set(times, {
      set: (accessed, modified) => asking(() => lutimesSync(this.#at(name), accessed, modified)),
      stat: () => {
        const stat = this.#storedAt(name);
        if (stat === undefined) throw NOENT;
        return stat;
      },
    });
  }

  openDirectory(name: string): Directory {
    const at = this.#at(name);
    try {
      const fd = openDirectoryAt(at, this.#reach);
      const path = `${this.#path}/${name}`;
      return new HostDirectory({ fd, path, reach: this.#reach, times: this.#times });
    } catch (error) {
      // Linux says of a symbolic link that it is no directory.
      const isLink = this.#storedAt(name)?.type === FILETYPE.symbolicLink;
      throw isLink ? LOOP : wasiError(error);
    }
  }

  reopen(): Directory {
    const only = this.#reach === "descriptors" ? O_PATH : O_RDONLY;
    const fd = asking(() => openSync(this.#here(), only | O_DIRECTORY));
    return new HostDirectory({ fd, path: this.#path, reach: this.#reach, times: this.#times });
  }

  openFile(name: string, mode: OpenMode): OpenFile {
    const at = this.#at(name);
    const isLink = MAY_FOLLOW && this.#storedAt(name)?.type === FILETYPE.symbolicLink;
    if (isLink && !mode.exclusive) throw LOOP;
    const fd = asking(() => openSync(at, openFlags(mode), 0o666));
    if (asking(() => fstatSync(fd)).isDirectory()) {
      closeSync(fd);
      throw ISDIR;
    }
    return new HostFile(fd, this.#times);
  }

  readLink(name: string): string {
    return asking(() => readlinkSync(this.#at(name)));
  }

  createDirectory(name: string): void {
    asking(() => mkdirSync(this.#at(name)));
  }

  removeDirectory(name: string): void {
    asking(() => rmdirSync(this.#at(name)));
  }

  unlink(name: string): void {
    try {
      unlinkSync(this.#at(name));
    } catch (error) {
      // POSIX and macOS say EPERM of a directory.
      const isDirectory =
        codeOf(error) === "EPERM" && this.#storedAt(name)?.type === FILETYPE.directory;
      throw isDirectory ? ISDIR : wasiError(error);
    }
  }

  symlink(name: string, target: string): void {
    asking(() => symlinkSync(target, this.#at(name)));
  }

  link(name: string, to: Directory, newName: string): void {
    const target = placeIn(to, newName);
    asking(() => linkSync(this.#at(name), target));
  }

  rename(name: string, to: Directory, newName: string): void {
    const target = placeIn(to, newName);
    asking(() => renameSync(this.#at(name), target));
  }

  close(): void {
    asking(() => closeSync(this.#fd));
  }

  static place(directory: HostDirectory, name: string): string {
    return directory.#at(name);
  }

  #stored(): FileStat {
    return asking(() => fileStat(fstatSync(this.#fd, { bigint: true })));
  }

  #storedAt(name: string): FileStat | undefined {
    const stats = asking(() => lstatSync(this.#at(name), { bigint: true, throwIfNoEntry: false }));
    return stats === undefined ? undefined : fileStat(stats);
  }

  #at(name: string): string {
    return `${this.#here()}/${name}`;
  }

  #here(): string {
    if (this.#reach === "descriptors") return `${DESCRIPTORS}/${this.#fd}`;
    const own = this.#stored();
    const there = asking(() => lstatSync(this.#path, { bigint: true, throwIfNoEntry: false }));
    if (there?.ino !== own.inode || there.dev !== own.device) throw NOENT;
    return this.#path;
  }
}

function placeIn(directory: Directory, name: string): string {
  if (!(directory instanceof HostDirectory)) throw XDEV;
  return HostDirectory.place(directory, name);
}

function openDirectoryAt(path: string, reach: Reach): number {
  const only = reach === "descriptors" ? O_PATH : O_RDONLY;
  if (MAY_FOLLOW && asking(() => lstatSync(path)).isSymbolicLink()) throw LOOP;
  const fd = asking(() => openSync(path, only | O_DIRECTORY | O_NOFOLLOW));
  if (asking(() => fstatSync(fd)).isDirectory()) return fd;
  closeSync(fd);
  throw NOTDIR;
}

function openFlags({ read, write, create, exclusive, truncate }: OpenMode): number {
  const access = write ? (read ? O_RDWR : O_WRONLY) : O_RDONLY;
  return (
    access |
    O_NOFOLLOW |
    O_NOCTTY |
    (create ? O_CREAT : 0) |
    (exclusive ? O_EXCL : 0) |
    (truncate ? O_TRUNC : 0)
  );
}
