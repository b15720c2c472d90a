import { Worker } from "node:worker_threads";
import { isLarge, journalBuffers, journalFacts, readEffects, type RunEffects } from "../journal.ts";
import {
  SLOT,
  SLOT_BYTES,
  SLOTS,
  slotViews,
  type FromGuest,
  type GuestData,
  type Run,
  type RunResult,
  type ToGuest,
} from "../protocol.ts";
import type { Job, LoadedModule } from "./job.ts";
import { ThreadPriority } from "./priority.ts";

// This file's own extension: .ts when run from source, .js when built.
const GUEST = new URL(`../guest/worker${import.meta.url.slice(-3)}`, import.meta.url);

/** What V8 itself may use in a guest thread, beside the guests' memories. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 32 };

export interface GuestThreadEvents {
  readonly ready: (thread: GuestThread) => void;
  readonly result: (thread: GuestThread, job: Job, result: RunResult) => void;
  /** All results of one message were told. */
  readonly drained: (thread: GuestThread) => void;
  /** The thread ended without being asked to. */
  readonly died: (thread: GuestThread, error: Error) => void;
}

export interface RunningJob {
  readonly job: Job;
  readonly startedAt: number;
}

/** A run that was ended from outside, and what it had done. */
export interface HaltedRun {
  readonly job: Job;
  readonly elapsedMs: number;
  readonly effects: RunEffects;
}

/** Linux shows 15 characters of a thread's name. */
const MOST_NAMES = 1000;
let threadsMade = 0;

/** One worker and the jobs it holds. Says nothing more once it is stopped. */
export class GuestThread {
  readonly #worker: Worker;
  readonly #slots = new SharedArrayBuffer(SLOT_BYTES);
  readonly #views = slotViews(this.#slots);
  #journal = journalBuffers();
  readonly #known = new Set<string>();
  readonly #jobs = new Map<number, Job>();
  #outbox: Run[] = [];
  #state: "starting" | "ready" | "stopped" = "starting";
  /** Milliseconds of work it holds, as far as is known. */
  backlogMs = 0;
  /** Resolves when a thread that was stopped is gone. */
  gone: Promise<unknown> = Promise.resolve();
  /** When it last had something to do, by the pool's clock. */
  lastUsedAt = 0;
  /** Where its long run is. */
  #stuckSlot: number | undefined;
  #priority: ThreadPriority | undefined;

  constructor(events: GuestThreadEvents) {
    const name = `nexus-guest-${threadsMade % MOST_NAMES}`;
    threadsMade += 1;
    const data: GuestData = { slots: this.#slots, journal: this.#journal };
    this.#worker = new Worker(GUEST, {
      name,
      workerData: data,
      resourceLimits: RESOURCE_LIMITS,
      env: {},
      execArgv: [],
    });
    let cause: Error | undefined;
    this.#worker.on("message", (message: FromGuest) => {
      if (message.kind === "ready") this.#priority = new ThreadPriority(name);
      this.#receive(message, events);
    });
    this.#worker.on("error", (error) => {
      cause = error instanceof Error ? error : new Error(String(error));
    });
    this.#worker.once("exit", () => {
      if (this.#state === "stopped") return;
      // A thread that cannot even start is no guest's doing: another one would not start either.
      if (this.#state === "starting") throw cause ?? new Error("Cannot start a guest thread");
      this.#state = "stopped";
      events.died(this, cause ?? new Error("it ended by itself"));
    });
  }

  get ready(): boolean {
    return this.#state === "ready";
  }

  get starting(): boolean {
    return this.#state === "starting";
  }

  /** Its present run takes so long that nothing should wait behind it. */
  get stuck(): boolean {
    return this.#stuckSlot !== undefined;
  }

  /** From now until its run has ended it is stuck, and gives way to every other thread. */
  getsStuck(): void {
    this.#stuckSlot = this.#runningSlot();
    if (this.stuck) this.#priority?.lower();
  }

  get held(): number {
    return this.#jobs.size;
  }

  jobs(): readonly Job[] {
    return [...this.#jobs.values()];
  }

  /** False where it has no room. What is assigned leaves with the next `send`. */
  assign(job: Job, args: readonly string[]): boolean {
    const slot = this.#views.state.indexOf(SLOT.free);
    if (slot === -1 || this.#jobs.size === SLOTS) return false;
    this.know(job.loaded);
    this.#jobs.set(slot, job);
    this.#views.state[slot] = SLOT.waiting;
    this.backlogMs += job.loaded.expectedMs;
    const { version, stdin, env, passThrough } = job.request;
    this.#outbox.push({
      slot,
      version,
      stdin: compact(stdin),
      env,
      args,
      ...(passThrough === undefined ? {} : { passThrough }),
    });
    return true;
  }

  send(): void {
    if (this.#outbox.length === 0) return;
    const runs = this.#outbox;
    this.#outbox = [];
    this.#post({ kind: "run", runs });
  }

  know({ version, module, plan }: LoadedModule): void {
    if (this.#known.has(version)) return;
    this.#known.add(version);
    this.#post({ kind: "load", version, module, plan });
  }

  forget(version: string): void {
    if (this.#known.delete(version)) this.#post({ kind: "unload", version });
  }

  running(): RunningJob | undefined {
    const slot = this.#runningSlot();
    if (slot === undefined) return undefined;
    return { job: this.#jobs.get(slot)!, startedAt: this.#views.startedAt[slot]! };
  }

  /**
   * Takes the run under way out of the guest's hands; the thread is good for nothing after it but
   * `stop`. Undefined where there is no such run, also because it has just ended: its result is coming.
   */
  halt(now: number): HaltedRun | undefined {
    const slot = this.#runningSlot();
    if (slot === undefined) return undefined;
    const before = Atomics.compareExchange(this.#views.state, slot, SLOT.running, SLOT.halted);
    if (before !== SLOT.running) return undefined;
    return {
      job: this.#jobs.get(slot)!,
      elapsedMs: now - this.#views.startedAt[slot]!,
      effects: readEffects(this.#journal, journalFacts(this.#journal)),
    };
  }

  #runningSlot(): number | undefined {
    for (const slot of this.#jobs.keys()) {
      if (Atomics.load(this.#views.state, slot) === SLOT.running) return slot;
    }
    return undefined;
  }

  /** Whether the job had not begun; then it is no longer here. */
  takeBack(job: Job): boolean {
    for (const [slot, held] of this.#jobs) {
      if (held !== job) continue;
      const before = Atomics.compareExchange(this.#views.state, slot, SLOT.waiting, SLOT.takenBack);
      if (before !== SLOT.waiting) return false;
      this.#release(slot, job);
      return true;
    }
    return false;
  }

  /** Ends the thread and gives back the jobs it held. */
  stop(): readonly Job[] {
    this.#state = "stopped";
    // Node's main thread waits for a thread to be gone: that must not take as long as its runs may.
    this.#priority?.restore();
    const left = this.jobs();
    this.#jobs.clear();
    this.gone = this.#worker.terminate();
    return left;
  }

  #release(slot: number, job: Job): void {
    this.#jobs.delete(slot);
    this.backlogMs = this.#jobs.size === 0 ? 0 : this.backlogMs - job.loaded.expectedMs;
  }

  #post(message: ToGuest): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#worker.postMessage(message);
  }

  #receive(message: FromGuest, events: GuestThreadEvents): void {
    if (this.#state === "stopped") return;
    if (message.kind === "ready") {
      this.#state = "ready";
      events.ready(this);
      return;
    }
    // Results of earlier runs may come after the long one was seen.
    if (message.results.some(({ slot }) => slot === this.#stuckSlot)) {
      this.#stuckSlot = undefined;
      this.#priority?.restore();
    }
    for (const result of message.results) {
      const job = this.#jobs.get(result.slot)!;
      this.#release(result.slot, job);
      Atomics.store(this.#views.state, result.slot, SLOT.free);
      events.result(this, job, result);
    }
    // Only while it holds nothing: whatever is assigned later comes behind this message.
    if (this.#jobs.size === 0 && isLarge(this.#journal)) {
      this.#journal = journalBuffers();
      this.#post({ kind: "journal", journal: this.#journal });
    }
    events.drained(this);
  }
}

// A view takes all of its buffer along through postMessage, and small Buffers share a large one.
function compact(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength && !Buffer.isBuffer(bytes)
    ? bytes
    : new Uint8Array(bytes);
}
