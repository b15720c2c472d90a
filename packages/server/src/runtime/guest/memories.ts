import { PAGE_BYTES } from "../journal.ts";
import type { ModulePlan } from "../protocol.ts";

/** Bytes of memories that a worker keeps between runs. */
const KEPT_BYTES = 64 * 1024 * 1024;
/** Each memory reserves gigabytes of addresses, whatever its size. */
const KEPT_MEMORIES = 64;

/**
 * Memories between runs, one a module at most. A memory made anew costs a hundred microseconds; one
 * that is kept costs the zeroing of its pages. What `take` gives reads as zeros everywhere and has the
 * size the module begins with: a guest cannot tell it from a new one.
 */
export class Memories {
  // In the order of last use, so that the first is the one to let go.
  readonly #kept = new Map<string, WebAssembly.Memory>();
  #bytes = 0;

  /** Throws a RangeError where the machine has no memory left. */
  take(version: string, plan: NonNullable<ModulePlan["memory"]>): WebAssembly.Memory {
    const kept = this.#kept.get(version);
    if (kept === undefined) return newMemory(plan);
    this.forget(version);
    return kept;
  }

  /** A memory cannot shrink, so one that has grown is dropped. */
  give(version: string, plan: NonNullable<ModulePlan["memory"]>, memory: WebAssembly.Memory): void {
    const bytes = memory.buffer.byteLength;
    if (bytes !== plan.initialPages * PAGE_BYTES || bytes > KEPT_BYTES) return;
    new Uint8Array(memory.buffer).fill(0);
    this.#kept.set(version, memory);
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES && this.#kept.size <= KEPT_MEMORIES) break;
      this.forget(oldest);
    }
  }

  forget(version: string): void {
    const memory = this.#kept.get(version);
    if (memory === undefined) return;
    this.#kept.delete(version);
    this.#bytes -= memory.buffer.byteLength;
  }
}

function newMemory(plan: NonNullable<ModulePlan["memory"]>): WebAssembly.Memory {
  const { initialPages: initial, maximumPages: maximum, wide } = plan;
  return wide
    ? new WebAssembly.Memory({ address: "i64", initial: BigInt(initial), maximum: BigInt(maximum) })
    : new WebAssembly.Memory({ initial, maximum });
}
