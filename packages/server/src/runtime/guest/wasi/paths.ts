import { ILSEQ, INVAL, NAMETOOLONG } from "../../errno.ts";
import type { GuestContext } from "../context.ts";
import { walk, type Follow, type Place } from "../files/walk.ts";
import type { GuestMemory } from "../guest-memory.ts";

/** As Linux has it. */
const MOST_PATH_BYTES = 4096;

// A mark at the beginning is a part of the name like any other.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** INVAL with a zero byte in it, ILSEQ where it is no UTF-8, NAMETOOLONG. */
export function pathAt(memory: GuestMemory, at: number, length: number): string {
  const bytes = memory.slice(at, length);
  if (bytes.length > MOST_PATH_BYTES) throw NAMETOOLONG;
  if (bytes.includes(0)) throw INVAL;
  try {
    return utf8.decode(bytes);
  } catch {
    throw ILSEQ;
  }
}

/** A place in memory that holds a path. */
export interface PathRef {
  readonly fd: number;
  readonly at: number;
  readonly length: number;
}

/** What a path leads to, for `use`: the path's directory and the name in it. */
export function withPlace<T>(
  context: GuestContext,
  { fd, at, length }: PathRef,
  { rights, follow }: { readonly rights: number; readonly follow: Follow },
  use: (place: Place) => T,
): T {
  const { directory } = context.descriptors.directory(fd, rights);
  const place = walk(directory, pathAt(context.memory, at, length), follow);
  try {
    return use(place);
  } finally {
    place.close();
  }
}
