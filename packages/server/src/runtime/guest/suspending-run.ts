import { sharedClock } from "../protocol.ts";
import type { Execution } from "./execution.ts";
import type { Seat } from "./seat.ts";
import { until } from "./sleep.ts";
import { threadCpuMs } from "./thread-cpu.ts";

const now = sharedClock();

/** A run that a host call may suspend, so that its thread can do other work meanwhile. */
export class SuspendingRun {
  readonly #seat: Seat;
  readonly #onPause: (run: SuspendingRun) => void;
  #suspendedMs = 0;
  #abandoned = false;

  /** `onPause`: called each time the guest is suspended. */
  constructor(seat: Seat, onPause: (run: SuspendingRun) => void) {
    this.#seat = seat;
    this.#onPause = onPause;
  }

  /** Resolves when the run has ended and the host was told; never where the host has ended it. */
  async complete(execution: Execution): Promise<void> {
    const end = execution.begin() ?? (await execution.enterSuspending());
    execution.finish(end, this.#suspendedMs);
  }

  /** The guest's sleep: suspends it until the monotonic clock shows `dueNs`. */
  async sleep(dueNs: bigint): Promise<void> {
    const cpuMs = threadCpuMs();
    const at = performance.now();
    this.#seat.suspend();
    this.#onPause(this);
    await until(dueNs);
    if (this.#abandoned || !this.#seat.resume(now())) {
      // Nothing may go on in it, and what never goes on is collected: an answer, even an error, would be the guest's to catch.
      await new Promise<never>(() => undefined);
    }
    this.#suspendedMs += performance.now() - at;
    this.#seat.addToCpuBase(threadCpuMs() - cpuMs);
  }

  /** Whether the host has ended it while it was suspended; then its seat is free again. */
  abandonIfHalted(): boolean {
    if (!this.#seat.halted) return false;
    this.#abandoned = true;
    this.#seat.free();
    return true;
  }
}
