import type { RunResult } from "../protocol.ts";
import { sharedClock } from "../protocol.ts";
import { FairQueue } from "./fair-queue.ts";
import { GuestThread, type GuestThreadEvents, type HaltedRun } from "./guest-thread.ts";
import type { Job, LoadedModule } from "./job.ts";
import { outcomeOf, outcomeOfStopped, type Stopped } from "./outcome.ts";
import { STUCK_MS, Watch } from "./watch.ts";

export interface PoolOptions {
  readonly workers: number;
  readonly maxWorkers: number;
  /** Versions in service. */
  readonly loaded: ReadonlyMap<string, LoadedModule>;
}

/** Work that may wait in a thread, so that the next run begins without a message's way. */
const PREFETCH_MS = 2;
/** A job that outlives this many threads is what kills them. */
const MOST_DEATHS = 2;

/** The threads and who of them does what. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #threads = new Set<GuestThread>();
  readonly #queue = new FairQueue<Job>();
  readonly #holders = new Map<Job, GuestThread>();
  readonly #now = sharedClock();
  readonly #watch: Watch;
  #pumping = false;
  /** Whether a long run waits because it may not have the last open thread. */
  #refused = false;
  #closed = false;
  /** Threads that close() stopped. */
  readonly #gone: Promise<unknown>[] = [];
  replaced = 0;
  coldStarts = 0;
  warmStarts = 0;

  readonly #events: GuestThreadEvents = {
    ready: () => this.#pump(),
    result: (thread, job, result) => this.#finish(thread, job, result),
    drained: () => this.#schedule(),
    died: (thread, error) => this.#bury(thread, error),
  };

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#watch = new Watch({
      threads: this.#threads,
      workers: options.workers,
      now: this.#now,
      onOverdue: (thread) => this.#kill(thread, { kind: "timed_out" }),
      onStuck: (thread) => this.#free(thread),
      onIdle: (thread) => this.#retire(thread),
      onLooked: () => {
        this.#helpOut();
        this.#pump();
      },
    });
    for (let count = 0; count < options.workers; count += 1) this.#start();
  }

  get threads(): number {
    return this.#threads.size;
  }

  get busy(): number {
    return [...this.#threads].filter(({ held }) => held > 0).length;
  }

  get queued(): number {
    return this.#queue.size;
  }

  submit(job: Job): void {
    this.#queue.push(job.request.function, job);
    this.#schedule();
  }

  /** Ends a job wherever it is; a run under way costs its thread. */
  cancel(job: Job): void {
    const stopped: Stopped = { kind: "cancelled" };
    const thread = this.#holders.get(job);
    if (thread === undefined) {
      if (this.#queue.remove(job.request.function, job)) {
        job.settle(outcomeOfStopped(job, stopped));
      }
    } else if (thread.takeBack(job)) {
      this.#holders.delete(job);
      job.settle(outcomeOfStopped(job, stopped));
    } else if (thread.running()?.job === job) {
      this.#kill(thread, stopped);
    }
  }

  know(loaded: LoadedModule): void {
    for (const thread of this.#threads) thread.know(loaded);
  }

  forget(version: string): void {
    for (const thread of this.#threads) thread.forget(version);
  }

  /** Stops every thread; what they held or what waits is cancelled. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watch.stop();
    for (const thread of this.#threads) {
      const halted = thread.halt(this.#now());
      for (const job of thread.stop()) {
        const its = halted?.job === job ? halted : undefined;
        job.settle(outcomeOfStopped(job, { kind: "cancelled" }, its));
      }
    }
    for (const thread of this.#threads) this.#gone.push(thread.gone);
    this.#threads.clear();
    this.#holders.clear();
    for (let job = this.#takeAny(); job !== undefined; job = this.#takeAny()) {
      job.settle(outcomeOfStopped(job, { kind: "cancelled" }));
    }
    await Promise.all(this.#gone);
  }

  #takeAny(): Job | undefined {
    return this.#queue.take(() => true);
  }

  #start(): void {
    const thread = new GuestThread(this.#events);
    thread.lastUsedAt = this.#now();
    this.#threads.add(thread);
    for (const loaded of this.#options.loaded.values()) thread.know(loaded);
  }

  // Once an event-loop turn, so that all that came in during it goes out in one message a thread.
  #schedule(): void {
    if (this.#pumping || this.#closed || this.#queue.size === 0) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#closed) return;
    this.#refused = false;
    while (this.#queue.size > 0) {
      const thread = this.#leastLoaded();
      const job = thread === undefined ? undefined : this.#queue.take((next) => this.#mayRun(next));
      if (thread === undefined || job === undefined) break;
      if (!thread.assign(job, [job.request.function, ...(job.request.args ?? [])])) {
        this.#queue.pushFront(job.request.function, job);
        break;
      }
      this.#holders.set(job, thread);
      thread.lastUsedAt = this.#now();
    }
    for (const thread of this.#threads) thread.send();
    if (this.#holders.size > 0 || this.#queue.size > 0) this.#watch.soon();
  }

  #leastLoaded(): GuestThread | undefined {
    let best: GuestThread | undefined;
    for (const thread of this.#threads) {
      if (!thread.ready || thread.stuck) continue;
      if (thread.held > 0 && thread.backlogMs >= PREFETCH_MS) continue;
      if (best === undefined || thread.backlogMs < best.backlogMs) best = thread;
    }
    return best;
  }

  /** A run that will be long leaves one thread to those that will not. */
  #mayRun({ loaded }: Job): boolean {
    if (!this.#isLong(loaded)) return true;
    if (this.#options.maxWorkers === 1 || this.#options.loaded.size < 2) return true;
    if (this.#open() > 1) return true;
    this.#refused = true;
    return false;
  }

  /** Whether its runs take long, as far as is known: the last ones did, or one does now. */
  #isLong(loaded: LoadedModule): boolean {
    if (loaded.expectedMs >= STUCK_MS) return true;
    for (const thread of this.#threads) {
      if (thread.stuck && thread.running()?.job.loaded === loaded) return true;
    }
    return false;
  }

  /** Threads that have no long run, and none to come. */
  #open(): number {
    let open = 0;
    for (const thread of this.#threads) {
      const long = thread.stuck || thread.jobs().some(({ loaded }) => this.#isLong(loaded));
      if (thread.ready && !long) open += 1;
    }
    return open;
  }

  /** Takes back what waits behind a long run. */
  #free(thread: GuestThread): void {
    thread.getsStuck();
    for (const job of thread.jobs().toReversed()) {
      if (!thread.takeBack(job)) continue;
      this.#holders.delete(job);
      this.#queue.pushFront(job.request.function, job);
    }
  }

  /** One thread more where work waits for long runs to end. One at a time: a start takes its share of the machine. */
  #helpOut(): void {
    if (this.#queue.size === 0 || this.#threads.size >= this.#options.maxWorkers) return;
    if ([...this.#threads].some(({ starting }) => starting)) return;
    if (this.#refused || this.#open() === 0) this.#start();
  }

  #retire(thread: GuestThread): void {
    if (this.#queue.size > 0) return;
    this.#threads.delete(thread);
    thread.stop();
  }

  #finish(thread: GuestThread, job: Job, result: RunResult): void {
    this.#holders.delete(job);
    thread.lastUsedAt = this.#now();
    this.#countStart(result.cold);
    // A cold run says little about the next one.
    if (!result.cold) job.loaded.expectedMs += (result.durationMs - job.loaded.expectedMs) / 8;
    job.settle(outcomeOf(job, result));
  }

  /** Ends the run under way, and its thread with it; does nothing where the run has just ended by itself. */
  #kill(thread: GuestThread, stopped: Stopped): void {
    const halted = thread.halt(this.#now());
    if (halted === undefined) return;
    halted.job.loaded.expectedMs = Math.max(halted.job.loaded.expectedMs, STUCK_MS);
    this.#replace(thread, halted.job);
    this.#settleHalted(halted, stopped);
  }

  #bury(thread: GuestThread, error: Error): void {
    const halted = thread.halt(this.#now());
    const outOfMemory = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
    const stopped: Stopped = { kind: "thread_died", outOfMemory, reason: error.message };
    this.#replace(thread, halted?.job, stopped);
    if (halted !== undefined) this.#settleHalted(halted, stopped);
  }

  #settleHalted(halted: HaltedRun, stopped: Stopped): void {
    this.#countStart(halted.effects.cold);
    halted.job.settle(outcomeOfStopped(halted.job, stopped, halted));
  }

  #countStart(cold: boolean): void {
    if (cold) this.coldStarts += 1;
    else this.warmStarts += 1;
  }

  /** A new thread in place of this one; its jobs, but the one that is to blame, wait again. */
  #replace(thread: GuestThread, blamed: Job | undefined, cause?: Stopped): void {
    this.#threads.delete(thread);
    this.replaced += 1;
    for (const job of thread.stop().toReversed()) {
      this.#holders.delete(job);
      if (job === blamed) continue;
      if (blamed === undefined && cause !== undefined) job.deaths += 1;
      if (cause !== undefined && job.deaths >= MOST_DEATHS) {
        job.settle(outcomeOfStopped(job, cause));
      } else {
        this.#queue.pushFront(job.request.function, job);
      }
    }
    // Above the usual number they come back one by one, where they are needed: many starts at once
    // would take the machine from everybody.
    if (!this.#closed && this.#threads.size < this.#options.workers) this.#start();
    this.#schedule();
  }
}
