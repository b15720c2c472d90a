import { NOSPC, type WasiError } from "../../errno.ts";

/**
 * Names, links and what is known of each file lie in the thread's own heap, which other runs need too,
 * and which ends the thread when it is full: no tree may fill more of it, however large it may be.
 */
const MOST_HEAP_BYTES = 8 * 1024 * 1024;

/** What a tree may hold, all of it together. */
export class Room {
  readonly #limit: number;
  readonly #onFull: () => void;
  #used = 0;
  #heapUsed = 0;

  constructor(limitBytes: number, onFull: () => void) {
    this.#limit = limitBytes;
    this.#onFull = onFull;
  }

  get left(): number {
    return this.#limit - this.#used;
  }

  /** NOSPC where there is not so much left. */
  take(bytes: number): void {
    if (bytes > this.left) throw this.full();
    this.#used += bytes;
  }

  giveBack(bytes: number): void {
    this.#used -= bytes;
  }

  /** Of the thread's heap; counts as any other bytes too. */
  takeHeap(bytes: number): void {
    if (this.#heapUsed + bytes > MOST_HEAP_BYTES) throw this.full();
    this.take(bytes);
    this.#heapUsed += bytes;
  }

  giveBackHeap(bytes: number): void {
    this.giveBack(bytes);
    this.#heapUsed -= bytes;
  }

  /** Tells that the limit was hit; what is then to be thrown. */
  full(): WasiError {
    this.#onFull();
    return NOSPC;
  }
}
