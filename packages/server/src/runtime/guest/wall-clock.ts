/**
 * The time of day to the microsecond. Date.now() follows the machine's clock when that is set, and only
 * tells milliseconds; performance.now() tells parts of them, and counts on from where its thread began.
 */
export class WallClock {
  #originMs = performance.timeOrigin;

  /** Nanoseconds since the Unix epoch. */
  now(): bigint {
    const ms = Date.now();
    let exactMs = this.#originMs + performance.now();
    const aheadMs = exactMs - ms;
    if (aheadMs < 0 || aheadMs >= 1) {
      this.#originMs -= aheadMs;
      exactMs = ms;
    }
    return nanoseconds(exactMs);
  }
}

// In two steps: nanoseconds since 1970 do not fit a double's 53 bits.
export function nanoseconds(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.floor((ms - whole) * 1e6));
}
