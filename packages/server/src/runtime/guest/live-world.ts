import { nanoseconds, WallClock } from "./wall-clock.ts";
import type { HostAnswer, HostCall } from "../host-calls.ts";
import { NO_SECRETS, type Secrets } from "./secrets.ts";
import type { Outside, World } from "./world.ts";

/** The most bytes that one call of getRandomValues gives. */
const CHUNK_BYTES = 65_536;

/** The machine's own clocks and random bytes. One serves many runs. */
export class LiveWorld implements World {
  readonly #outside: Outside;
  readonly #wallClock = new WallClock();
  #startedMs = 0;
  #secrets: Secrets = NO_SECRETS;
  /** What the thread's CPU clock has to be changed by to count from the run's start; null: not asked yet. */
  #cpuOffsetNs: bigint | null = null;

  constructor(outside: Outside) {
    this.#outside = outside;
  }

  /** For a run that began at `startedMs`, by performance.now(). */
  begin(startedMs: number, secrets: Secrets): void {
    this.#secrets = secrets;
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

  sleep(dueNs: bigint): void | Promise<void> {
    return this.#outside.sleep(dueNs);
  }

  ask(call: HostCall): HostAnswer | Promise<HostAnswer> {
    return this.#outside.ask(call);
  }

  secret(name: string): Uint8Array | undefined {
    return this.#secrets.get(name);
  }
}
