import { Deque } from "./deque.ts";
import type { LogEntry } from "./log.ts";
import { Waker } from "./waker.ts";

/** Entries a watcher may fall behind before it gets a gap instead. */
export const WATCH_BUFFER = 10_000;

/** Hands each entry to every watcher, through a bounded queue of its own. */
export class Fanout {
  readonly #watchers = new Set<Watcher>();
  #closed = false;

  /** Whether anybody watches: who publishes may save itself the work. */
  get active(): boolean {
    return this.#watchers.size > 0;
  }

  publish(entry: LogEntry): void {
    for (const watcher of this.#watchers) watcher.offer(entry);
  }

  /** What is published from now on, until `signal` aborts or the fan-out is closed. */
  watch(signal: AbortSignal): AsyncIterable<LogEntry> {
    const watcher = new Watcher();
    if (!this.#closed && !signal.aborted) this.#watchers.add(watcher);
    else watcher.end();
    const onAbort = (): void => {
      this.#watchers.delete(watcher);
      watcher.end();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    return watcher.entries(() => {
      signal.removeEventListener("abort", onAbort);
      this.#watchers.delete(watcher);
    });
  }

  /** Ends every watcher. */
  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.end();
    this.#watchers.clear();
  }
}

class Watcher {
  readonly #queue = new Deque<LogEntry>();
  #missed = 0;
  #ended = false;
  readonly #waker = new Waker();

  offer(entry: LogEntry): void {
    // Once something was missed, everything is until the queue is read empty: one gap, in its place.
    if (this.#missed > 0 || this.#queue.length >= WATCH_BUFFER) this.#missed += 1;
    else this.#queue.push(entry);
    this.#waker.wake();
  }

  end(): void {
    this.#ended = true;
    this.#waker.wake();
  }

  async *entries(onReturn: () => void): AsyncGenerator<LogEntry, void, void> {
    try {
      while (!this.#ended) {
        const entry = this.#queue.shift();
        if (entry !== undefined) {
          yield entry;
        } else if (this.#missed > 0) {
          const missed = this.#missed;
          this.#missed = 0;
          yield { kind: "gap", missed };
        } else {
          await this.#waker.wait();
        }
      }
    } finally {
      onReturn();
    }
  }
}
