import type { HostAnswer, HostCall } from "../host-calls.ts";
import { sharedClock } from "../protocol.ts";
import type { Execution } from "./execution.ts";
import type { Questions } from "./questions.ts";
import type { Seat } from "./seat.ts";
import { isPast, Nap } from "./sleep.ts";
import { threadCpuMs } from "./thread-cpu.ts";
import { trap } from "./trapping.ts";

const now = sharedClock();

/** A run that a host call may suspend, so that its thread can do other work meanwhile. */
export class SuspendingRun {
  readonly #seat: Seat;
  readonly #onPause: (run: SuspendingRun) => void;
  readonly #nap = new Nap();
  readonly #cut = Promise.withResolvers<void>();
  #suspendedMs = 0;
  #abandoned = false;

  /** `onPause`: called each time the guest is suspended. */
  constructor(seat: Seat, onPause: (run: SuspendingRun) => void) {
    this.#seat = seat;
    this.#onPause = onPause;
  }

  /** Resolves when the run has ended, and the host was told unless it has ended the run itself. */
  async complete(execution: Execution): Promise<void> {
    const end = execution.begin() ?? (await execution.enterSuspending());
    if (this.#abandoned) execution.abandon();
    else execution.finish(end, this.#suspendedMs);
  }

  /** The guest's sleep: suspends it until the monotonic clock shows `dueNs`. */
  sleep(dueNs: bigint): Promise<void> | undefined {
    // It would go on in this turn of the thread, in which another run may have been begun meanwhile.
    return isPast(dueNs) ? undefined : this.#sleep(dueNs);
  }

  /** The host's answer; the guest is suspended until it is there. */
  async ask(call: HostCall, questions: Questions): Promise<HostAnswer> {
    const question = questions.ask(this.#seat, call);
    let answer: HostAnswer | undefined;
    try {
      await this.#suspended(async () => {
        answer = (await Promise.race([question.answered, this.#cut.promise])) ?? undefined;
      });
    } finally {
      question.drop();
    }
    return answer!;
  }

  /** Wakes a run that the host has ended while it was suspended, so that it comes to its end here. */
  wakeIfHalted(): void {
    if (!this.#seat.halted) return;
    this.#nap.cut();
    this.#cut.resolve();
  }

  #sleep(dueNs: bigint): Promise<void> {
    return this.#suspended(() => this.#nap.until(dueNs));
  }

  /** Suspends the guest while `wait` waits; ends it there where the host has ended the run meanwhile. */
  async #suspended(wait: () => Promise<void>): Promise<void> {
    const cpuMs = threadCpuMs();
    const at = performance.now();
    this.#seat.suspend();
    this.#onPause(this);
    await wait();
    this.#seat.addToCpuBase(threadCpuMs() - cpuMs);
    this.#suspendedMs += performance.now() - at;
    if (this.#seat.resume(now())) return;
    this.#abandoned = true;
    // V8 keeps a suspended stack alive, with the memory of its instance, until it has gone on to its end;
    // a trap takes it there, and is the one answer that is not the guest's to catch.
    trap();
  }
}
