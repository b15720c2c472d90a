import { BADF, INVAL, NOTCAPABLE, NOTSUP, SPIPE } from "../../errno.ts";
import type { FileStat, FileTimes } from "../../files.ts";
import { FILETYPE } from "../../files.ts";
import type { GuestContext } from "../context.ts";
import type { GuestMemory } from "../guest-memory.ts";
import type { Descriptor, FileDescriptor } from "./descriptors.ts";
import { checkFlags, FDFLAG, FSTFLAG } from "./flags.ts";
import type { Family } from "./functions.ts";
import { RIGHT, rightsIn } from "./rights.ts";

const FDSTAT_BYTES = 24;
const FILESTAT_BYTES = 64;
const ADVICES = 6;
const MOST_OFFSET = 2n ** 63n - 1n;

type Facts = Pick<
  Family<"fd">,
  | "fd_fdstat_get"
  | "fd_fdstat_set_flags"
  | "fd_fdstat_set_rights"
  | "fd_filestat_get"
  | "fd_filestat_set_size"
  | "fd_filestat_set_times"
  | "fd_advise"
  | "fd_allocate"
  | "fd_sync"
  | "fd_datasync"
>;

/** What a descriptor and its file are, and what can be changed about them. */
export function factFunctions(context: GuestContext): Facts {
  const { memory } = context;
  const able = (fd: number, right: number): Descriptor => {
    const found = context.descriptors.get(fd);
    if ((found.rights & right) === 0) throw NOTCAPABLE;
    return found;
  };

  return {
    fd_fdstat_get(fd, at) {
      const found = context.descriptors.get(fd);
      const start = at >>> 0;
      memory.slice(start, FDSTAT_BYTES).fill(0);
      memory.setU8(start, typeOf(found));
      memory.setU16(start + 2, found.flags);
      memory.setU32(start + 8, found.rights);
      memory.setU32(start + 16, found.inheriting);
    },
    fd_fdstat_set_flags(fd, flags) {
      checkFlags(flags, FDFLAG);
      able(fd, RIGHT.fdstatSetFlags).flags = flags;
    },
    fd_fdstat_set_rights(fd, base, inheriting) {
      const found = context.descriptors.get(fd);
      const [rights, handedOn] = [rightsIn(base), rightsIn(inheriting)];
      // Rights can be given up, never gained.
      if ((rights & ~found.rights) !== 0 || (handedOn & ~found.inheriting) !== 0) {
        throw NOTCAPABLE;
      }
      found.rights = rights;
      found.inheriting = handedOn;
    },
    fd_filestat_get(fd, at) {
      const found = able(fd, RIGHT.filestatGet);
      if (found.kind === "file") writeStat(memory, at, found.file.stat());
      else if (found.kind === "directory") writeStat(memory, at, found.directory.stat());
      else writeStat(memory, at, PIPE);
    },
    fd_filestat_set_size(fd, size) {
      const { file, rights } = writable(context.descriptors.get(fd));
      if ((rights & RIGHT.filestatSetSize) === 0) throw NOTCAPABLE;
      if (size < 0n) throw INVAL;
      file.setSize(size);
    },
    fd_filestat_set_times(fd, accessed, modified, flags) {
      const times = timesOf(context, [accessed, modified], flags);
      const found = context.descriptors.get(fd);
      if (found.kind !== "file" && found.kind !== "directory") throw NOTSUP;
      if ((found.rights & RIGHT.filestatSetTimes) === 0) throw NOTCAPABLE;
      if (found.kind === "file") found.file.setTimes(times);
      else found.directory.setTimes(times);
    },
    fd_advise(fd, offset, length, advice) {
      const found = context.descriptors.get(fd);
      if (found.kind === "directory") throw BADF;
      if (found.kind !== "file" || !found.regular) throw SPIPE;
      if ((found.rights & RIGHT.fdAdvise) === 0) throw NOTCAPABLE;
      if (advice >>> 0 >= ADVICES || offset < 0n || length < 0n) throw INVAL;
    },
    fd_allocate(fd, offset, length) {
      const found = context.descriptors.get(fd);
      if (found.kind === "directory") throw BADF;
      if (found.kind !== "file" || !found.regular) throw SPIPE;
      if ((found.rights & RIGHT.fdWrite) === 0) throw BADF;
      if ((found.rights & RIGHT.fdAllocate) === 0) throw NOTCAPABLE;
      if (offset < 0n || length <= 0n || offset + length > MOST_OFFSET) throw INVAL;
      found.file.allocate(offset, length);
    },
    fd_sync: (fd) => sync(context.descriptors.get(fd), RIGHT.fdSync),
    fd_datasync: (fd) => sync(context.descriptors.get(fd), RIGHT.fdDatasync),
  };
}

const PIPE: FileStat = {
  device: 0n,
  inode: 0n,
  type: FILETYPE.unknown,
  links: 1n,
  size: 0n,
  accessedNs: 0n,
  modifiedNs: 0n,
  changedNs: 0n,
};

function typeOf(found: Descriptor): number {
  if (found.kind === "directory") return FILETYPE.directory;
  return found.kind === "file" ? found.file.stat().type : FILETYPE.unknown;
}

export function writeStat(memory: GuestMemory, at: number, stat: FileStat): void {
  const start = at >>> 0;
  memory.slice(start, FILESTAT_BYTES).fill(0);
  memory.setU64(start, stat.device);
  memory.setU64(start + 8, stat.inode);
  memory.setU8(start + 16, stat.type);
  memory.setU64(start + 24, stat.links);
  memory.setU64(start + 32, stat.size);
  memory.setU64(start + 40, stat.accessedNs);
  memory.setU64(start + 48, stat.modifiedNs);
  memory.setU64(start + 56, stat.changedNs);
}

/** What the times of something are to be; INVAL where one is to be two things at once. */
export function timesOf(
  { world }: GuestContext,
  [accessed, modified]: readonly [bigint, bigint],
  flags: number,
): FileTimes {
  checkFlags(flags, FSTFLAG);
  const timeOf = (time: bigint, set: number, now: number): bigint | undefined => {
    if ((flags & set) !== 0 && (flags & now) !== 0) throw INVAL;
    if ((flags & set) !== 0) return BigInt.asUintN(64, time);
    return (flags & now) === 0 ? undefined : world.realtime();
  };
  const accessedNs = timeOf(accessed, FSTFLAG.accessed, FSTFLAG.accessedNow);
  const modifiedNs = timeOf(modified, FSTFLAG.modified, FSTFLAG.modifiedNow);
  return {
    ...(accessedNs === undefined ? {} : { accessedNs }),
    ...(modifiedNs === undefined ? {} : { modifiedNs }),
  };
}

/** As ftruncate: INVAL for what is no file, or not open for writing. */
function writable(found: Descriptor): FileDescriptor {
  if (found.kind === "directory") throw BADF;
  if (found.kind !== "file" || !found.regular) throw INVAL;
  if ((found.rights & RIGHT.fdWrite) === 0) throw INVAL;
  return found;
}

function sync(found: Descriptor, right: number): void {
  if (found.kind === "file" && found.regular) {
    if ((found.rights & right) === 0) throw NOTCAPABLE;
    found.file.sync(right === RIGHT.fdDatasync);
  } else if (found.kind === "directory") {
    found.directory.sync();
  } else {
    throw INVAL;
  }
}
