/** A ring waits for company no longer than this. */
const COMPANY_MS = 0.2;

/**
 * Tells the host that runs have ended. Waking it costs both threads more than a small run, so a ring
 * waits for the next run's end where that cannot be far.
 */
export class HostBell {
  readonly #count: Int32Array;
  /** By performance.now(), when the first of what is untold came; undefined where all is told. */
  #dueSince: number | undefined;

  constructor(bell: SharedArrayBuffer) {
    this.#count = new Int32Array(bell);
  }

  /** There is something to tell. */
  due(): void {
    this.#dueSince ??= performance.now();
    if (performance.now() - this.#dueSince > COMPANY_MS) this.ring();
  }

  /** Tells whatever is due; before the thread waits, and before it runs what may never end. */
  ring(): void {
    if (this.#dueSince === undefined) return;
    this.#dueSince = undefined;
    Atomics.add(this.#count, 0, 1);
    Atomics.notify(this.#count, 0);
  }
}
