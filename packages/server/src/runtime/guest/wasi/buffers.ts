import { INVAL } from "../../errno.ts";
import type { GuestMemory } from "../guest-memory.ts";

const IOVEC_BYTES = 8;
/** As Linux has it; each costs an object of the host's. */
const MOST_BUFFERS = 1024;

/** The buffers of a scattered read or write, all checked before the first is touched. */
export function buffersAt(memory: GuestMemory, at: number, count: number): Uint8Array[] {
  const many = count >>> 0;
  if (many > MOST_BUFFERS) throw INVAL;
  const start = at >>> 0;
  const buffers: Uint8Array[] = [];
  for (let index = 0; index < many; index += 1) {
    buffers.push(bufferAt(memory, start + index * IOVEC_BYTES));
  }
  return buffers;
}

export function bufferAt(memory: GuestMemory, at: number): Uint8Array {
  return memory.slice(memory.u32(at), memory.u32(at + 4));
}

/** INVAL where they are together more than a length can say. */
export function totalBytes(buffers: readonly Uint8Array[]): number {
  let total = 0;
  for (const { length } of buffers) total += length;
  if (total > 0xffff_ffff) throw INVAL;
  return total;
}
