import { nanoseconds, WallClock } from "./wall-clock.ts";
import type { Sleep, World } from "./world.ts";

/** The most bytes that one call of getRandomValues gives. */
const CHUNK_BYTES = 65_536;

/** The machine's own clocks and random bytes. One serves many runs. */
export class LiveWorld implements World {
  readonly sleep: Sleep;
  readonly #wallClock = new WallClock();
  #startedMs = 0;
  /** What the thread's CPU clock has to be changed by to count from the run's start; null: not asked yet. */
  #cpuOffsetNs: bigint | null = null;

  constructor(sleep: Sleep) {
    this.sleep = sleep;
  }

  /** For a run that began at `startedMs`, by performance.now(). */
  begin(startedMs: number): void {
    this.#startedMs = startedMs;
    this.#cpuOffsetNs = null;
  }

  realtime(): bigint {
    return this.#wallClock.now();
  }

  monotonic(): bigint {
    return process.hrtime.bigint();
  }

  // Most runs never ask, so nobody reads the clock at their start: by the first reading a run has used as
  // much as has gone by.
  cpu(): bigint {
    const { user, system } = process.threadCpuUsage();
    const usedNs = BigInt(user + system) * 1000n;
    this.#cpuOffsetNs ??= nanoseconds(performance.now() - this.#startedMs) - usedNs;
    return usedNs + this.#cpuOffsetNs;
  }

  random(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; done += CHUNK_BYTES) {
      const part = bytes.subarray(done, done + CHUNK_BYTES);
      crypto.getRandomValues(part as Uint8Array<ArrayBuffer>);
    }
  }
}
