import { BADF, FBIG, INVAL, NOTCAPABLE, SPIPE, WasiError } from "../../errno.ts";
import type { GuestContext } from "../context.ts";
import { bufferAt, buffersAt, totalBytes } from "./buffers.ts";
import type { Descriptor, FileDescriptor } from "./descriptors.ts";
import { FDFLAG } from "./flags.ts";
import type { Family } from "./functions.ts";
import { RIGHT } from "./rights.ts";

const WHENCE = { set: 0, current: 1, end: 2 } as const;
/** Offsets are signed where files are kept. */
const MOST_OFFSET = 2n ** 63n - 1n;

type Streaming = Pick<
  Family<"fd">,
  | "fd_read"
  | "fd_write"
  | "fd_pread"
  | "fd_pwrite"
  | "fd_seek"
  | "fd_tell"
  | "fd_close"
  | "fd_renumber"
>;

/** Reading, writing, and where. */
export function streamingFunctions(context: GuestContext): Streaming {
  const { memory } = context;

  function readStdin(into: Uint8Array): number {
    const { stdin, stdinAt } = context;
    const read = Math.min(into.length, stdin.length - stdinAt);
    into.set(read === stdin.length ? stdin : stdin.subarray(stdinAt, stdinAt + read));
    context.stdinAt = stdinAt + read;
    return read;
  }

  return {
    fd_read(fd, at, count, readAt) {
      const from = context.descriptors.get(fd);
      if ((from.rights & RIGHT.fdRead) === 0) throw BADF;
      if (from.kind !== "file" && count === 1) {
        memory.setU32(readAt, readStdin(bufferAt(memory, at)));
        return;
      }
      let read = 0;
      for (const buffer of buffersAt(memory, at, count)) {
        const part = from.kind === "file" ? readOn(from, buffer) : readStdin(buffer);
        read += part;
        // Whoever typed a line shall not have to type another before it is read.
        const mayWait = from.kind === "file" && !from.regular && part > 0;
        if (part < buffer.length || mayWait) break;
      }
      memory.setU32(readAt, read);
    },
    fd_write(fd, at, count, writtenAt) {
      const to = context.descriptors.get(fd);
      if ((to.rights & RIGHT.fdWrite) === 0) throw BADF;
      if (to.kind === "file") {
        const parts = buffersAt(memory, at, count);
        memory.setU32(writtenAt, totalBytes(parts));
        memory.setU32(writtenAt, writeAll(to, parts, null));
      } else if (count === 1) {
        const part = bufferAt(memory, at);
        memory.setU32(writtenAt, part.length);
        context.journal[to.kind as "stdout"].write(part);
      } else {
        const parts = buffersAt(memory, at, count);
        memory.setU32(writtenAt, totalBytes(parts));
        for (const part of parts) context.journal[to.kind as "stdout"].write(part);
      }
    },
    fd_pread(fd, at, count, offset, readAt) {
      const from = positioned(context.descriptors.get(fd));
      if ((from.rights & RIGHT.fdRead) === 0) throw BADF;
      if ((from.rights & RIGHT.fdSeek) === 0) throw NOTCAPABLE;
      let position = offsetIn(offset);
      let read = 0;
      for (const buffer of buffersAt(memory, at, count)) {
        const part = from.file.read(position, buffer);
        position += BigInt(part);
        read += part;
        if (part < buffer.length) break;
      }
      memory.setU32(readAt, read);
    },
    fd_pwrite(fd, at, count, offset, writtenAt) {
      const to = positioned(context.descriptors.get(fd));
      if ((to.rights & RIGHT.fdWrite) === 0) throw BADF;
      if ((to.rights & RIGHT.fdSeek) === 0) throw NOTCAPABLE;
      const parts = buffersAt(memory, at, count);
      memory.setU32(writtenAt, totalBytes(parts));
      memory.setU32(writtenAt, writeAll(to, parts, offsetIn(offset)));
    },
    fd_seek(fd, offset, whence, positionAt) {
      const target = positioned(context.descriptors.get(fd));
      if ((target.rights & RIGHT.fdSeek) === 0) throw NOTCAPABLE;
      const position = base(target, whence) + offset;
      if (position < 0n || position > MOST_OFFSET) throw INVAL;
      memory.setU64(positionAt, position);
      target.position = position;
    },
    fd_tell(fd, positionAt) {
      const target = positioned(context.descriptors.get(fd));
      if ((target.rights & RIGHT.fdTell) === 0) throw NOTCAPABLE;
      memory.setU64(positionAt, target.position);
    },
    fd_close: (fd) => context.descriptors.close(fd),
    fd_renumber: (from, to) => context.descriptors.renumber(from, to),
  };
}

function readOn(from: FileDescriptor, into: Uint8Array): number {
  const read = from.file.read(from.position, into);
  if (from.regular) from.position += BigInt(read);
  return read;
}

/** Bytes written. What was written before a failure counts; at `offset`, the position stays. */
function writeAll(to: FileDescriptor, parts: readonly Uint8Array[], offset: bigint | null): number {
  // As POSIX has it, and WASI's test suite had before it took both: on Linux an offset would not count.
  const appends = offset === null && (to.flags & FDFLAG.append) !== 0;
  let position = offset ?? to.position;
  let written = 0;
  for (const part of parts) {
    const many = writePart(to, appends ? null : position, part, written);
    if (many === undefined) break;
    position += BigInt(many);
    written += many;
    if (many < part.length) break;
  }
  if (offset === null && to.regular) to.position = appends ? to.file.stat().size : position;
  if ((to.flags & (FDFLAG.sync | FDFLAG.dsync)) !== 0) {
    to.file.sync((to.flags & FDFLAG.sync) === 0);
  }
  return written;
}

/** Undefined: it failed, behind others that did not. */
function writePart(
  to: FileDescriptor,
  position: bigint | null,
  part: Uint8Array,
  before: number,
): number | undefined {
  if (position !== null && position + BigInt(part.length) > MOST_OFFSET) throw FBIG;
  try {
    return to.file.write(position, part);
  } catch (error) {
    if (before > 0 && error instanceof WasiError) return undefined;
    throw error;
  }
}

/** SPIPE for a pipe or a terminal; BADF for a directory, as under the reference runtime. */
function positioned(descriptor: Descriptor): FileDescriptor {
  if (descriptor.kind === "directory") throw BADF;
  if (descriptor.kind !== "file" || !descriptor.regular) throw SPIPE;
  return descriptor;
}

function base(target: FileDescriptor, whence: number): bigint {
  switch (whence) {
    case WHENCE.set:
      return 0n;
    case WHENCE.current:
      return target.position;
    case WHENCE.end:
      return target.file.stat().size;
    default:
      throw INVAL;
  }
}

function offsetIn(offset: bigint): bigint {
  if (offset < 0n) throw INVAL;
  return offset;
}
