import type { GuestThread } from "./guest-thread.ts";

/** How often running invocations are looked at. */
const WATCH_MS = 5;
/** A run that takes longer has nobody waiting behind it. */
export const STUCK_MS = 15;
/** Threads above the usual number go after this long without work. */
const IDLE_MS = 10_000;

export interface WatchOptions {
  readonly threads: ReadonlySet<GuestThread>;
  /** Threads that are always there. */
  readonly workers: number;
  readonly now: () => number;
  readonly onOverdue: (thread: GuestThread) => void;
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
        const elapsedMs = at - running.startedAt;
        if (elapsedMs > running.job.loaded.timeoutMs) onOverdue(thread);
        else if (elapsedMs > STUCK_MS) onStuck(thread);
      } else if (threads.size > workers && thread.ready && thread.held === 0) {
        if (at - thread.lastUsedAt >= IDLE_MS) onIdle(thread);
      }
    }
    onLooked();
    if (threads.size > workers) this.soon();
  }
}
