import { PAGE_BYTES } from "../journal.ts";
import type { ModulePlan } from "../protocol.ts";

/** Bytes of memories that a worker keeps between runs. */
const KEPT_BYTES = 64 * 1024 * 1024;
/** Each memory reserves gigabytes of addresses, whatever its size. */
const KEPT_MEMORIES = 64;

/** What a module's memory is made of. */
export interface MemorySize {
  readonly pages: number;
  readonly maximumPages: number;
  /** A 64-bit memory. */
  readonly wide: boolean;
}

/** Of a run: at least the pages it is to begin with, so that its growth finds them there. */
export function memorySize(
  { initialPages, maximumPages, wide }: NonNullable<ModulePlan["memory"]>,
  reservedPages: number,
): MemorySize {
  const pages = Math.min(Math.max(initialPages, reservedPages), maximumPages);
  return { pages, maximumPages, wide };
}

/**
 * Memories between runs, one a module at most. A memory made anew costs a hundred microseconds; one
 * that is kept costs the zeroing of its pages. What `take` gives reads as zeros everywhere and has the
 * size asked for: a guest cannot tell it from a new one.
 */
export class Memories {
  // In the order of last use, so that the first is the one to let go.
  readonly #kept = new Map<number, WebAssembly.Memory>();
  #bytes = 0;

  /** Throws a RangeError where the machine has no memory left. */
  take(id: number, size: MemorySize): WebAssembly.Memory {
    const kept = this.#kept.get(id);
    if (kept !== undefined) this.forget(id);
    return kept?.buffer.byteLength === size.pages * PAGE_BYTES ? kept : newMemory(size);
  }

  /** A memory cannot shrink, so one that has grown is dropped. */
  give(id: number, { pages }: MemorySize, memory: WebAssembly.Memory): void {
    const bytes = memory.buffer.byteLength;
    if (bytes !== pages * PAGE_BYTES || bytes > KEPT_BYTES || this.#kept.has(id)) return;
    new Uint8Array(memory.buffer).fill(0);
    this.#kept.set(id, memory);
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES && this.#kept.size <= KEPT_MEMORIES) break;
      this.forget(oldest);
    }
  }

  forget(id: number): void {
    const memory = this.#kept.get(id);
    if (memory === undefined) return;
    this.#kept.delete(id);
    this.#bytes -= memory.buffer.byteLength;
  }
}

function newMemory({ pages, maximumPages, wide }: MemorySize): WebAssembly.Memory {
  return wide
    ? new WebAssembly.Memory({
        address: "i64",
        initial: BigInt(pages),
        maximum: BigInt(maximumPages),
      })
    : new WebAssembly.Memory({ initial: pages, maximum: maximumPages });
}
