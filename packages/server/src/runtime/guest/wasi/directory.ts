import { BADF, NAMETOOLONG, NOTCAPABLE, NOTDIR } from "../../errno.ts";
import { FILETYPE, type DirectoryEntry } from "../../files.ts";
import type { GuestContext } from "../context.ts";
import type { DirectoryDescriptor } from "./descriptors.ts";
import type { Family } from "./functions.ts";
import { RIGHT } from "./rights.ts";

const ENTRY_BYTES = 24;
const PREOPEN_DIRECTORY = 0;

const utf8 = new TextEncoder();

type Listing = Pick<Family<"fd">, "fd_readdir" | "fd_prestat_get" | "fd_prestat_dir_name">;

/** What is in a directory, and which directories a run begins with. */
export function directoryFunctions(context: GuestContext): Listing {
  const { memory } = context;

  return {
    fd_readdir(fd, at, length, cookie, usedAt) {
      const found = context.descriptors.get(fd);
      if (found.kind !== "directory") throw NOTDIR;
      if ((found.rights & RIGHT.fdReaddir) === 0) throw NOTCAPABLE;
      const room = memory.slice(at, length);
      memory.u32(usedAt);
      // A cookie is the number of entries before it.
      const from = BigInt.asUintN(64, cookie);
      const entries = listing(context, found, from === 0n);
      let used = 0;
      for (let index = Number(from); index < entries.length && used < room.length; index += 1) {
        used += writeEntry(room.subarray(used), entries[index]!, index + 1);
      }
      memory.setU32(usedAt, used);
    },
    fd_prestat_get(fd, at) {
      const found = context.descriptors.get(fd);
      if (found.kind !== "directory" || found.preopen === undefined) throw BADF;
      const start = at >>> 0;
      memory.setU32(start, PREOPEN_DIRECTORY);
      memory.setU32(start + 4, Buffer.byteLength(found.preopen));
    },
    fd_prestat_dir_name(fd, at, length) {
      const found = context.descriptors.get(fd);
      if (found.kind !== "directory" || found.preopen === undefined) throw NOTDIR;
      const name = utf8.encode(found.preopen);
      if (name.length > length >>> 0) throw NAMETOOLONG;
      memory.slice(at, name.length).set(name);
    },
  };
}

/**
 * What stood in a directory when it was read from its start: so that nobody who removes what he reads
 * skips an entry.
 */
function listing(
  { descriptors }: GuestContext,
  found: DirectoryDescriptor,
  fresh: boolean,
): readonly DirectoryEntry[] {
  if (!fresh && found.listing !== undefined) return found.listing;
  const { inode } = found.directory.stat();
  // What the directory itself stands in is nobody's to know; the reference runtime says this too.
  const dots = [".", ".."].map((name) => ({ name, inode, type: FILETYPE.directory }));
  const entries = [...dots, ...found.directory.entries()];
  descriptors.keep(found, entries);
  return entries;
}

/** Bytes written: cut where there is no more room, which says that there is more. */
function writeEntry(room: Uint8Array, { name, inode, type }: DirectoryEntry, next: number): number {
  const bytes = utf8.encode(name);
  const entry = new Uint8Array(ENTRY_BYTES + bytes.length);
  const view = new DataView(entry.buffer);
  view.setBigUint64(0, BigInt(next), true);
  view.setBigUint64(8, inode, true);
  view.setUint32(16, bytes.length, true);
  view.setUint8(20, type);
  entry.set(bytes, ENTRY_BYTES);
  const written = entry.subarray(0, room.length);
  room.set(written);
  return written.length;
}
