import type { GuestThread } from "./guest-thread.ts";
import type { Job, LoadedModule } from "./job.ts";
import { STUCK_MS } from "./learn.ts";

/** A run that waits for longer, because every thread is another version's, is given one of them. */
const PATIENCE_MS = 100;
/** Work that may wait in a thread, so that the next run begins without a way between the threads. */
const PREFETCH_MS = 2;

export interface PlacementOptions {
  readonly threads: ReadonlySet<GuestThread>;
  /** Threads that are always there. */
  readonly workers: number;
  /** Threads there may be. */
  readonly maxWorkers: number;
  /** Versions in service. */
  readonly loaded: ReadonlyMap<string, LoadedModule>;
  readonly now: () => number;
}

/** A function whose next run found no thread. */
interface Hungry {
  /** The run that was last asked for: another one can come before it. */
  job: Job;
  readonly since: number;
  /** What is kept for it, once it has waited for long: takes nothing else, so that it becomes empty. */
  kept: GuestThread | undefined;
}

/**
 * Which thread a run gets, decided for each run anew. One thread always stays open to runs of every
 * function: those that take long, or wait in a thread of their own, do not get the last.
 */
export class Placement {
  readonly #options: PlacementOptions;
  /** Whether a run waits because it may not have the last open thread. */
  refused = false;
  #hungry: Hungry | undefined;

  constructor(options: PlacementOptions) {
    this.#options = options;
  }

  threadFor(job: Job): GuestThread | undefined {
    const { loaded } = job;
    const hungry = this.#isHungry(job.lane) ? this.#hungry : undefined;
    if (hungry !== undefined) hungry.job = job;
    this.#keepOne();
    const kept = hungry?.kept;
    const thread = kept?.held === 0 && kept.ready ? kept : this.#fitting(job);
    if (thread !== undefined) this.nothingWaits(job.lane);
    // One that is long waits for long ones: that passes without a thread of those that wait.
    else if (job.alone || loaded.learnt.waits || !this.#isLong(loaded)) {
      this.#hungry ??= { job, since: this.#options.now(), kept: undefined };
    }
    return thread;
  }

  /** No run of the function waits, or one of them has just got its thread. */
  nothingWaits(name: string): void {
    if (this.#isHungry(name)) this.#hungry = undefined;
  }

  #isHungry(name: string): boolean {
    return this.#hungry?.job.lane === name;
  }

  /** Versions whose runs wait would never let go of a thread that always has one of them. */
  #keepOne(): void {
    const hungry = this.#hungry;
    const { threads, now } = this.#options;
    if (hungry === undefined || now() - hungry.since < PATIENCE_MS) return;
    if (hungry.kept !== undefined && threads.has(hungry.kept)) return;
    const { loaded, alone } = hungry.job;
    const others = [...threads].filter(
      ({ exclusiveTo }) => exclusiveTo !== undefined && (alone || exclusiveTo.id !== loaded.id),
    );
    hungry.kept = others.sort((a, b) => a.held - b.held)[0];
  }

  #fitting({ loaded, alone }: Job): GuestThread | undefined {
    if (alone) return this.#mayClose() ? this.#leastLoaded(isEmpty) : undefined;
    if (loaded.learnt.waits) return this.#forWaiting(loaded);
    if (this.#isLong(loaded)) {
      if (loaded.learnt.supervised && this.#threadsOf(loaded) >= this.#mostOffending())
        return undefined;
      if (!this.#mayClose()) return undefined;
    }
    return this.#leastLoaded(
      (thread) => thread.exclusiveTo === undefined && hasRoom(thread, PREFETCH_MS),
    );
  }

  /** False where no thread takes any run now, whichever it is. */
  anyRoom(): boolean {
    for (const thread of this.#options.threads) {
      if (thread.ready && !thread.stuck && !thread.full) {
        if (hasRoom(thread, PREFETCH_MS) || thread.exclusiveTo !== undefined) return true;
      }
    }
    return false;
  }

  /** Threads that take any run: they have no long one and none to come, and are not one function's alone. */
  open(): number {
    let open = 0;
    for (const thread of this.#options.threads) {
      if (!thread.ready || thread.stuck || thread.exclusiveTo !== undefined) continue;
      if (!thread.jobs().some(({ loaded }) => this.#isLong(loaded))) open += 1;
    }
    return open;
  }

  /** Runs of one version wait together, where no other function's run can stand before their going on. */
  #forWaiting(loaded: LoadedModule): GuestThread | undefined {
    const own = (thread: GuestThread) => thread.exclusiveTo?.id === loaded.id;
    const busyLittle = (thread: GuestThread) => own(thread) && hasRoom(thread, PREFETCH_MS);
    const found = this.#leastLoaded(busyLittle);
    if (found !== undefined) return found;
    if (this.#mayClose()) {
      const empty = this.#leastLoaded(isEmpty);
      if (empty !== undefined) return empty;
    }
    return this.#leastLoaded(
      (thread) => own(thread) && hasRoom(thread, Infinity) && thread.running() === undefined,
    );
  }

  #leastLoaded(fits: (thread: GuestThread) => boolean): GuestThread | undefined {
    let best: GuestThread | undefined;
    for (const thread of this.#options.threads) {
      if (!thread.ready || thread.stuck || thread === this.#hungry?.kept) continue;
      if (thread.taken || !fits(thread)) continue;
      if (best === undefined || thread.backlogMs < best.backlogMs) best = thread;
    }
    return best;
  }

  /** Threads that a version may have which ran out of time: one less than are always there. */
  #mostOffending(): number {
    return Math.max(1, this.#options.workers - 1);
  }

  #threadsOf({ id }: LoadedModule): number {
    let threads = 0;
    for (const thread of this.#options.threads) {
      if (thread.jobs().some(({ loaded }) => loaded.id === id)) threads += 1;
    }
    return threads;
  }

  /** Whether an open thread may be closed to others for a while. */
  #mayClose(): boolean {
    const { maxWorkers, loaded } = this.#options;
    if (maxWorkers === 1 || loaded.size < 2 || this.open() > 1) return true;
    this.refused = true;
    return false;
  }

  /** Whether its runs take long, as far as is known: the last ones did, or one does now. */
  #isLong(loaded: LoadedModule): boolean {
    if (loaded.learnt.expectedMs >= STUCK_MS) return true;
    for (const thread of this.#options.threads) {
      if (thread.stuck && thread.running()?.job.loaded.id === loaded.id) return true;
    }
    return false;
  }
}

function isEmpty({ held }: GuestThread): boolean {
  return held === 0;
}

function hasRoom(thread: GuestThread, mostMs: number): boolean {
  return !thread.full && (thread.held === 0 || thread.backlogMs < mostMs);
}
