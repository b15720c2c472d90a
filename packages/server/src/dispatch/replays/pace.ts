import { setTimeout as delay } from "node:timers/promises";

/** Lets work begin so many times a second at most. */
export class Pace {
  readonly #spacingMs: number;
  #dueAt = 0;

  /** `perSecond` null: as often as it likes. */
  constructor(perSecond: number | null) {
    this.#spacingMs = perSecond === null ? 0 : 1_000 / perSecond;
  }

  /** Resolves when the next one may begin. Rejects as `signal` aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.#spacingMs === 0) return;
    const now = performance.now();
    const dueAt = Math.max(now, this.#dueAt);
    this.#dueAt = dueAt + this.#spacingMs;
    if (dueAt > now) await delay(dueAt - now, undefined, { signal });
  }
}
