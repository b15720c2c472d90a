import { sharedClock } from "../protocol.ts";
import { Bell } from "./bell.ts";
import { FairQueue } from "./fair-queue.ts";
import { GuestThread, type GuestThreadEvents, type HaltedRun } from "./guest-thread.ts";
import type { Job, LoadedModule } from "./job.ts";
import { outcomeOf, outcomeOfStopped, type Stopped } from "./outcome.ts";
import { learn, offended, tookLong } from "./learn.ts";
import { Placement } from "./placement.ts";
import type { RunResult } from "./seat.ts";
import { Watch } from "./watch.ts";

export interface PoolOptions {
  readonly workers: number;
  readonly maxWorkers: number;
  readonly givesWay: boolean;
  /** Versions in service. */
  readonly loaded: ReadonlyMap<string, LoadedModule>;
}

/** A job that outlives this many threads is what kills them. */
const MOST_DEATHS = 2;
const CANCELLED: Stopped = { kind: "cancelled" };

/** The threads and who of them does what. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #threads = new Set<GuestThread>();
  readonly #queue = new FairQueue<Job>();
  readonly #now = sharedClock();
  readonly #watch: Watch;
  readonly #placement: Placement;
  readonly #bell = new Bell(() => this.#collect());
  #closed = false;
  /** Threads that were stopped and are not gone yet. */
  readonly #gone = new Set<Promise<unknown>>();
  #ending = 0;
  replaced = 0;
  coldStarts = 0;
  warmStarts = 0;

  readonly #events: GuestThreadEvents = {
    ready: () => this.#pump(),
    result: (thread, job, result) => this.#finish(thread, job, result),
    died: (thread, error) => this.#bury(thread, error),
  };

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#placement = new Placement({ ...options, threads: this.#threads, now: this.#now });
    this.#watch = new Watch({
      threads: this.#threads,
      workers: options.workers,
      now: this.#now,
      onOverdue: (thread, limit) => this.#kill(thread, { kind: "timed_out", limit }),
      onSuspendedOverdue: (thread, job) =>
        this.#endSuspended(thread, job, { kind: "timed_out", limit: "timeout" }),
      onStuck: (thread) => this.#free(thread),
      onIdle: (thread) => this.#retire(thread),
      onLooked: () => {
        this.#collect();
        this.#helpOut();
      },
    });
    for (let count = 0; count < options.workers; count += 1) this.#start();
  }

  get threads(): number {
    return this.#threads.size;
  }

  get busy(): number {
    let busy = 0;
    for (const { held } of this.#threads) if (held > 0) busy += 1;
    return busy;
  }

  get queued(): number {
    return this.#queue.size;
  }

  submit(job: Job): void {
    const thread = this.#queue.size > 0 ? this.#passing(job) : undefined;
    if (thread !== undefined && this.#assign(thread, job)) return;
    this.#queue.push(job.lane, job);
    if (this.#queue.size === 1) this.#pump();
  }

  /** Which thread takes a run that nobody waits for: those that wait were just refused, and are not asked again. */
  #passing(job: Job): GuestThread | undefined {
    if (this.#closed || this.#queue.has(job.lane)) return undefined;
    return this.#placement.threadFor(job);
  }

  /** Ends a job wherever it is; a run under way costs its thread. */
  cancel(job: Job): void {
    const thread = [...this.#threads].find((candidate) => candidate.holds(job));
    if (thread === undefined) {
      if (this.#queue.remove(job.lane, job)) {
        const { lane: name } = job;
        if (!this.#queue.has(name)) this.#placement.nothingWaits(name);
        job.settle(outcomeOfStopped(job, CANCELLED));
      }
    } else if (thread.takeBack(job)) {
      job.settle(outcomeOfStopped(job, CANCELLED));
    } else if (thread.running()?.job === job) {
      this.#kill(thread, CANCELLED);
    } else {
      this.#endSuspended(thread, job, CANCELLED);
    }
  }

  forget(id: number): void {
    for (const thread of this.#threads) thread.forget(id);
  }

  /** Stops every thread; what they held or what waits is cancelled. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watch.stop();
    this.#bell.close();
    for (const thread of this.#threads) {
      thread.collect(this.#events);
      for (const { job } of thread.suspended()) this.#endSuspended(thread, job, CANCELLED);
      const halted = thread.halt(this.#now());
      for (const job of this.#stop(thread)) {
        const its = halted?.job === job ? halted : undefined;
        job.settle(outcomeOfStopped(job, CANCELLED, its));
      }
    }
    this.#threads.clear();
    for (let job = this.#takeAny(); job !== undefined; job = this.#takeAny()) {
      job.settle(outcomeOfStopped(job, CANCELLED));
    }
    await Promise.all(this.#gone);
  }

  #takeAny(): Job | undefined {
    return this.#queue.take(() => true);
  }

  #start(): void {
    const thread = new GuestThread(this.#events, this.#bell, this.#options.givesWay);
    thread.lastUsedAt = this.#now();
    this.#threads.add(thread);
  }

  #collect(): void {
    if (this.#closed) return;
    for (const thread of this.#threads) thread.collect(this.#events);
    this.#pump();
  }

  #pump(): void {
    if (this.#closed) return;
    let thread: GuestThread | undefined;
    while (this.#queue.size > 0 && this.#placement.anyRoom()) {
      this.#placement.refused = false;
      const job = this.#queue.take((next) => {
        thread = this.#placement.threadFor(next);
        return thread !== undefined;
      });
      if (job === undefined || thread === undefined) break;
      if (!this.#assign(thread, job)) {
        this.#queue.pushFront(job.lane, job);
        break;
      }
    }
    if (this.#queue.size > 0 || this.busy > 0) this.#watch.soon();
  }

  #assign(thread: GuestThread, job: Job): boolean {
    thread.lastUsedAt = this.#now();
    return thread.assign(job, [job.request.function, ...(job.request.args ?? [])]);
  }

  /** Takes back what waits behind a long run. */
  #free(thread: GuestThread): void {
    thread.getsStuck();
    for (const job of thread.jobs().toReversed()) {
      if (!thread.takeBack(job)) continue;
      this.#queue.pushFront(job.lane, job);
    }
  }

  /** One thread more where work waits for long runs to end. One at a time: a start takes its share of the machine. */
  #helpOut(): void {
    const most = this.#options.maxWorkers;
    if (this.#queue.size === 0 || this.#threads.size + this.#ending >= most) return;
    if ([...this.#threads].some(({ starting }) => starting)) return;
    if (this.#placement.refused || this.#placement.open() === 0) this.#start();
  }

  #retire(thread: GuestThread): void {
    if (this.#queue.size > 0) return;
    this.#threads.delete(thread);
    this.#stop(thread);
  }

  #finish(thread: GuestThread, job: Job, result: RunResult): void {
    thread.lastUsedAt = this.#now();
    if (!job.warmUp) this.#countStart(result.cold);
    learn(job.loaded.learnt, result);
    job.settle(outcomeOf(job, result));
  }

  /** Ends the run under way, and its thread with it; does nothing where the run has just ended by itself. */
  #kill(thread: GuestThread, stopped: Stopped): void {
    const halted = thread.halt(this.#now());
    if (halted === undefined) return;
    const { learnt } = halted.job.loaded;
    if (stopped.kind === "timed_out") offended(learnt);
    else tookLong(learnt);
    this.#replace(thread, halted.job);
    this.#settleHalted(halted, stopped);
  }

  /** Ends a run that is suspended; its thread goes on. */
  #endSuspended(thread: GuestThread, job: Job, stopped: Stopped): void {
    const halted = thread.haltSuspended(job, this.#now());
    if (halted === undefined) return;
    job.loaded.learnt.waits = true;
    this.#settleHalted(halted, stopped);
  }

  /** Stops a thread; until it is gone it counts among those there may be. */
  #stop(thread: GuestThread): readonly Job[] {
    const left = thread.stop();
    this.#ending += 1;
    const gone = thread.gone.finally(() => {
      this.#ending -= 1;
      this.#gone.delete(gone);
    });
    this.#gone.add(gone);
    return left;
  }

  #bury(thread: GuestThread, error: Error): void {
    const halted = thread.halt(this.#now());
    const outOfMemory = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
    const stopped: Stopped = { kind: "thread_died", outOfMemory, reason: error.message };
    this.#replace(thread, halted?.job, stopped);
    if (halted !== undefined) this.#settleHalted(halted, stopped);
  }

  #settleHalted(halted: HaltedRun, stopped: Stopped): void {
    if (!halted.job.warmUp) this.#countStart(halted.effects.cold);
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
    // What has ended and was not yet heard of is not to be run again.
    thread.collect(this.#events);
    for (const { job } of thread.suspended()) job.alone = true;
    for (const job of this.#stop(thread).toReversed()) {
      if (job === blamed) continue;
      if (blamed === undefined && cause !== undefined) job.deaths += 1;
      if (cause !== undefined && job.deaths >= MOST_DEATHS) {
        job.settle(outcomeOfStopped(job, cause));
      } else {
        this.#queue.pushFront(job.lane, job);
      }
    }
    // Above the usual number they come back one by one, where they are needed: many starts at once
    // would take the machine from everybody.
    if (!this.#closed && this.#threads.size < this.#options.workers) this.#start();
    this.#pump();
  }
}
