import type { GuestThread, RunningJob } from "./guest-thread.ts";
import type { Job } from "./job.ts";
import { STUCK_MS } from "./learn.ts";

/** How often running invocations are looked at. */
const WATCH_MS = 5;
/** Its own thread ends a supervised run; where that fails, it is ended from outside. */
const SUPERVISED_GRACE_MS = 1_000;
/** Threads above the usual number go after this long without work. */
const IDLE_MS = 10_000;

export interface WatchOptions {
  readonly threads: ReadonlySet<GuestThread>;
  /** Threads that are always there. */
  readonly workers: number;
  readonly now: () => number;
  readonly onOverdue: (thread: GuestThread, limit: "timeout" | "cpu") => void;
  /** A run that is suspended has been under way for too long. */
  readonly onSuspendedOverdue: (thread: GuestThread, job: Job) => void;
  /** Its run takes so long that what waits behind it should go elsewhere. */
  readonly onStuck: (thread: GuestThread) => void;
  /** There are more threads than usual, and this one has had nothing to do for long. */
  readonly onIdle: (thread: GuestThread) => void;
  /** Everything was looked at. */
  readonly onLooked: () => void;
}

/** The watch over threads: looks at them while there is something to see, and says what it saw. */
export class Watch {
  readonly #options: WatchOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Sees to it that the threads are looked at soon, once. */
  soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, WATCH_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const { threads, workers, now, onOverdue, onStuck, onIdle, onLooked } = this.#options;
    const at = now();
    for (const thread of threads) {
      const running = thread.running();
      if (running !== undefined) {
        const { timeoutMs, learnt, plan } = running.job.loaded;
        const elapsedMs = at - running.startedAt;
        // What may be suspended is never ended in its own thread.
        const graceMs = learnt.supervised && !plan.suspends ? SUPERVISED_GRACE_MS : 0;
        if (elapsedMs > timeoutMs + graceMs) {
          onOverdue(thread, "timeout");
        } else if (plan.limits.cpuMs > 0 && usedMs(thread, running) > plan.limits.cpuMs) {
          onOverdue(thread, "cpu");
        } else if (at - running.runningSince > STUCK_MS) onStuck(thread);
      } else if (threads.size > workers && thread.ready && thread.held === 0) {
        if (at - thread.lastUsedAt >= IDLE_MS) onIdle(thread);
      }
      this.#lookAtSuspended(thread, at);
    }
    onLooked();
    if (threads.size > workers) this.soon();
  }

  #lookAtSuspended(thread: GuestThread, at: number): void {
    // Behind a run that holds the thread they cannot go on: that is not their doing.
    if (thread.stuck) return;
    for (const { job, startedAt } of thread.suspended()) {
      if (at - startedAt > job.loaded.timeoutMs) this.#options.onSuspendedOverdue(thread, job);
    }
  }
}

function usedMs(thread: GuestThread, { cpuBaseMs }: RunningJob): number {
  return thread.processorMs() - cpuBaseMs;
}
