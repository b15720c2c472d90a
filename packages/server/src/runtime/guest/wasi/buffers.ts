import { INVAL } from "../../errno.ts";
import type { GuestMemory } from "../guest-memory.ts";

const IOVEC_BYTES = 8;
/** As Linux has it; each costs an object of the host's. */
const MOST_BUFFERS = 1024;

/** The buffers of a scattered read or write, all checked before the first is touched. */
export function buffersAt(memory: GuestMemory, at: number, count: number): Uint8Array[] {
  const many = count >>> 0;
  if (many > MOST_BUFFERS) throw INVAL;
  if (many === 1) return [bufferAt(memory, at)];
  const start = at >>> 0;
  memory.slice(start, many * IOVEC_BYTES);
  return Array.from({ length: many }, (_, index) => bufferAt(memory, start + index * IOVEC_BYTES));
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
