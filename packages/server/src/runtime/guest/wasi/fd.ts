import type { GuestContext } from "../context.ts";
import { descriptor, RIGHT } from "./descriptors.ts";
import { BADF, ERRNO, INVAL, WasiError } from "../../errno.ts";
import type { Family } from "./functions.ts";

const IOVEC_BYTES = 8;
/** As Linux has it; each costs an object of the host's. */
const MOST_BUFFERS = 1024;
const FILETYPE_UNKNOWN = 0;
const KNOWN_FLAGS = 0x1f;
const FDSTAT_BYTES = 24;
const FILESTAT_BYTES = 64;
const SPIPE = new WasiError(ERRNO.spipe);
const NOTSUP = new WasiError(ERRNO.notsup);
const NOTDIR = new WasiError(ERRNO.notdir);
const NOTCAPABLE = new WasiError(ERRNO.notcapable);

export function fdFunctions(context: GuestContext): Family<"fd"> {
  const { memory } = context;

  /** The buffers of a scattered read or write, all checked before the first is touched. */
  function buffers(at: number, count: number): Uint8Array[] {
    if (count >>> 0 > MOST_BUFFERS) throw INVAL;
    const start = at >>> 0;
    memory.slice(start, (count >>> 0) * IOVEC_BYTES);
    return Array.from({ length: count >>> 0 }, (_, index) => {
      const entry = start + index * IOVEC_BYTES;
      return memory.slice(memory.u32(entry), memory.u32(entry + 4));
    });
  }

  /** For what a pipe cannot do, whatever the arguments: first comes whether there is one. */
  const refuse = (error: WasiError) => (fd: number) => {
    descriptor(context, fd);
    throw error;
  };

  return {
    fd_read(fd, at, count, readAt) {
      if (descriptor(context, fd).stream !== "stdin") throw BADF;
      let read = 0;
      for (const buffer of buffers(at, count)) {
        const from = context.stdinAt;
        const part = context.stdin.subarray(from, from + buffer.length);
        buffer.set(part);
        context.stdinAt += part.length;
        read += part.length;
        if (part.length < buffer.length) break;
      }
      memory.setU32(readAt, read);
    },
    fd_write(fd, at, count, writtenAt) {
      const { stream } = descriptor(context, fd);
      if (stream === "stdin") throw BADF;
      const parts = buffers(at, count);
      const bytes = parts.reduce((sum, { length }) => sum + length, 0);
      if (bytes > 0xffff_ffff) throw INVAL;
      memory.setU32(writtenAt, bytes);
      for (const part of parts) context.journal[stream].write(part);
    },
    fd_close(fd) {
      descriptor(context, fd);
      context.descriptors[fd >>> 0] = undefined;
    },
    fd_renumber(from, to) {
      const moved = descriptor(context, from);
      descriptor(context, to);
      if (from === to) return;
      context.descriptors[to >>> 0] = moved;
      context.descriptors[from >>> 0] = undefined;
    },
    fd_fdstat_get(fd, at) {
      const { rights, flags } = descriptor(context, fd);
      memory.slice(at, FDSTAT_BYTES).fill(0);
      const start = at >>> 0;
      memory.setU8(start, FILETYPE_UNKNOWN);
      memory.setU16(start + 2, flags);
      memory.setU64(start + 8, rights);
    },
    fd_fdstat_set_flags(fd, flags) {
      const target = descriptor(context, fd);
      if ((flags & ~KNOWN_FLAGS) !== 0) throw INVAL;
      target.flags = flags;
    },
    fd_fdstat_set_rights(fd, base, inheriting) {
      const target = descriptor(context, fd);
      // Rights can be given up, never gained.
      if ((BigInt.asUintN(64, base) & ~target.rights) !== 0n || inheriting !== 0n) {
        throw NOTCAPABLE;
      }
      target.rights = base;
    },
    fd_filestat_get(fd, at) {
      if ((descriptor(context, fd).rights & RIGHT.filestatGet) === 0n) throw NOTCAPABLE;
      memory.slice(at, FILESTAT_BYTES).fill(0);
      memory.setU64((at >>> 0) + 24, 1n); // links
    },
    fd_seek: refuse(SPIPE),
    fd_tell: refuse(SPIPE),
    fd_pread: refuse(SPIPE),
    fd_pwrite: refuse(SPIPE),
    fd_advise: refuse(SPIPE),
    fd_allocate: refuse(SPIPE),
    fd_sync: refuse(INVAL),
    fd_datasync: refuse(INVAL),
    fd_filestat_set_size: refuse(INVAL),
    fd_filestat_set_times: refuse(NOTSUP),
    fd_readdir: refuse(NOTDIR),
    // What says to a library's start-up loop that there is no (further) granted directory.
    fd_prestat_get: refuse(BADF),
    fd_prestat_dir_name: refuse(BADF),
  };
}
