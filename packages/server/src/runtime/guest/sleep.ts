const LONGEST_MS = 2 ** 30;
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Holds the thread until the monotonic clock shows `dueNs`. */
export function blockUntil(dueNs: bigint): void {
  for (;;) {
    const leftMs = msUntil(dueNs);
    if (leftMs <= 0) return;
    Atomics.wait(cell, 0, 0, Math.min(leftMs, LONGEST_MS));
  }
}

/** A sleep that leaves its thread to others, and that can be cut short. */
export class Nap {
  #timer: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #cut = false;

  /** Resolves when the monotonic clock shows `dueNs`, or when it is cut short; never in this turn of the thread. */
  async until(dueNs: bigint): Promise<void> {
    // A timer may fire a little early, hence the loop.
    do {
      const leftMs = Math.max(0, Math.ceil(msUntil(dueNs)));
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#timer = setTimeout(resolve, Math.min(leftMs, LONGEST_MS));
      });
    } while (!this.#cut && !isPast(dueNs));
  }

  /** From now on nothing sleeps here. */
  cut(): void {
    this.#cut = true;
    clearTimeout(this.#timer);
    this.#wake?.();
  }
}

/** Whether the monotonic clock shows `dueNs`, or later. */
export function isPast(dueNs: bigint): boolean {
  return msUntil(dueNs) <= 0;
}

function msUntil(dueNs: bigint): number {
  return Number(dueNs - process.hrtime.bigint()) / 1e6;
}
