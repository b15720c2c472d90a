/**
 * What guest threads ring when a run has ended: a count in shared memory that the host waits for
 * without holding its thread. One wait serves all that rang meanwhile, which is what makes it cheaper
 * than a message each (figures in docs/performance.md).
 */
export class Bell {
  readonly buffer = new SharedArrayBuffer(4);
  readonly #count = new Int32Array(this.buffer);
  #closed = false;

  constructor(onRing: () => void) {
    void this.#listen(onRing); // until it is closed
  }

  close(): void {
    this.#closed = true;
    Atomics.notify(this.#count, 0);
  }

  async #listen(onRing: () => void): Promise<void> {
    let heard = 0;
    for (;;) {
      const waiting = Atomics.waitAsync(this.#count, 0, heard);
      if (waiting.async) await waiting.value;
      if (this.#closed) return;
      heard = Atomics.load(this.#count, 0);
      onRing();
    }
  }
}
