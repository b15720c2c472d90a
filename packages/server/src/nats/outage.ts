const MIN_DELAY_MS = 200;
const MAX_DELAY_MS = 2000;

/** A time without NATS, and how long to wait in it until the next attempt. */
export class Outage {
  readonly #now: () => number;
  readonly #random: () => number;
  #since: number;

  constructor(now: () => number = () => performance.now(), random: () => number = Math.random) {
    this.#now = now;
    this.#random = random;
    this.#since = now();
  }

  begin(): void {
    this.#since = this.#now();
  }

  get lastedMs(): number {
    return this.#now() - this.#since;
  }

  /** A quarter of the time it has lasted, from 200 ms to 2 s; half of it by chance, so that nodes do not come at once. */
  delayMs(): number {
    const whole = Math.min(MAX_DELAY_MS, Math.max(MIN_DELAY_MS, this.lastedMs / 4));
    return Math.round(whole / 2 + (whole / 2) * this.#random());
  }
}
