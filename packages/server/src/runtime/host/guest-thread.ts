import { Worker } from "node:worker_threads";
import type { RunEffects } from "../journal.ts";
import {
  CONTROL_BYTES,
  controlViews,
  queuePlace,
  SEAT,
  SEATS,
  type FromGuest,
  type GuestData,
  type ToGuest,
} from "../protocol.ts";
import type { Bell } from "./bell.ts";
import type { Job, LoadedModule } from "./job.ts";
import { Answers } from "./answers.ts";
import { ThreadPriority } from "./priority.ts";
import { HostSeat, type RunResult } from "./seat.ts";

// This file's own extension: .ts when run from source, .js when built.
const GUEST = new URL(`../guest/worker${import.meta.url.slice(-3)}`, import.meta.url);

/** What V8 itself may use in a guest thread, beside the guests' memories. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 32 };

export interface GuestThreadEvents {
  readonly ready: (thread: GuestThread) => void;
  readonly result: (thread: GuestThread, job: Job, result: RunResult) => void;
  /** The thread ended without being asked to. */
  readonly died: (thread: GuestThread, error: Error) => void;
}

export interface RunningJob {
  readonly job: Job;
  readonly startedAt: number;
  /** Since when it has held the thread. */
  readonly runningSince: number;
  /** The thread's processor time at which it would have begun without a pause. */
  readonly cpuBaseMs: number;
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
  readonly #control = new SharedArrayBuffer(CONTROL_BYTES);
  readonly #views = controlViews(this.#control);
  /** Made when they are first needed. */
  readonly #seats: HostSeat[] = [];
  readonly #known = new Set<number>();
  // By seat. No map: V8 keeps alive what has long gone from one that changes at every run.
  readonly #jobs: (Job | undefined)[] = Array.from({ length: SEATS }, () => undefined);
  /** The last run given to each seat. */
  readonly #runs: number[] = Array.from({ length: SEATS }, () => 0);
  readonly #answers = new Answers((message) => this.#post(message));
  #held = 0;
  #state: "starting" | "ready" | "stopped" = "starting";
  /** Milliseconds of work it holds, as far as is known. */
  backlogMs = 0;
  /** Resolves when a thread that was stopped is gone. */
  gone: Promise<unknown> = Promise.resolve();
  /** When it last had something to do, by the pool's clock. */
  lastUsedAt = 0;
  /** Where its long run is. */
  #stuckSeat: number | undefined;
  #priority: ThreadPriority | undefined;

  constructor(events: GuestThreadEvents, bell: Bell, givesWay: boolean) {
    const name = `nexus-guest-${threadsMade % MOST_NAMES}`;
    threadsMade += 1;
    const data: GuestData = { control: this.#control, bell: bell.buffer };
    this.#worker = new Worker(GUEST, {
      name,
      workerData: data,
      resourceLimits: RESOURCE_LIMITS,
      env: {},
      execArgv: [],
    });
    let cause: Error | undefined;
    this.#worker.once("online", () => {
      this.#priority = new ThreadPriority(name, givesWay);
      this.#priority.starts();
    });
    this.#worker.on("message", (message: FromGuest) => {
      if (message.kind === "ask") {
        this.#hear(message);
        return;
      }
      this.#priority?.restore();
      if (this.#state === "stopped") return;
      this.#state = "ready";
      events.ready(this);
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

  #hear({ id, seat, run, call }: Extract<FromGuest, { readonly kind: "ask" }>): void {
    const job = this.#jobs[seat];
    // Of a run that was ended meanwhile nobody waits for an answer.
    if (job === undefined || this.#runs[seat] !== run) return;
    job.loaded.learnt.waits = true;
    this.#answers.answer(seat, { id, call, by: job.request.hostCalls });
  }

  get ready(): boolean {
    return this.#state === "ready";
  }

  get starting(): boolean {
    return this.#state === "starting";
  }

  /** Its present run takes so long that nothing should wait behind it. */
  get stuck(): boolean {
    const seat = this.#stuckSeat;
    if (seat === undefined) return false;
    if (Atomics.load(this.#views.state, seat) === SEAT.running) return true;
    this.#unstick(); // it has ended, or is suspended
    return false;
  }

  #unstick(): void {
    this.#stuckSeat = undefined;
    this.#priority?.restore();
  }

  /** From now until its run has ended it is stuck, and gives way to every other thread. */
  getsStuck(): void {
    this.#stuckSeat = this.#runningSeat();
    const job = this.#stuckSeat === undefined ? undefined : this.#jobs[this.#stuckSeat];
    if (job !== undefined) this.#priority?.lower(job.loaded.learnt.supervised);
  }

  get held(): number {
    return this.#held;
  }

  get full(): boolean {
    return this.#held === SEATS;
  }

  holds(job: Job): boolean {
    return this.#jobs.includes(job);
  }

  /** In the order of their seats. */
  jobs(): readonly Job[] {
    return this.#jobs.filter((job) => job !== undefined);
  }

  /**
   * The one module that this thread is for as long as it holds runs of it: those wait for host calls,
   * and no other function's run shall stand between one and its going on.
   */
  get exclusiveTo(): LoadedModule | undefined {
    if (this.#held === 0) return undefined;
    return this.#jobs.find((job) => job?.loaded.learnt.waits === true)?.loaded;
  }

  /** Whether it holds a run that nothing may run beside. */
  get taken(): boolean {
    return this.#held === 1 && this.#jobs.some((job) => job?.alone === true);
  }

  /** False where it has no room; else the run is on its way. */
  assign(job: Job, args: readonly string[]): boolean {
    const seat = this.#views.state.indexOf(SEAT.free);
    if (seat === -1) return false;
    this.know(job.loaded);
    this.#jobs[seat] = job;
    this.#held += 1;
    this.backlogMs += job.loaded.learnt.expectedMs;
    const { stdin, env, tape, secrets } = job.request;
    const { id, timeoutMs, learnt } = job.loaded;
    const place = (this.#seats[seat] ??= new HostSeat());
    const supervisedMs = learnt.supervised ? timeoutMs : 0;
    const run = Atomics.load(this.#views.queueEnd, 0);
    this.#runs[seat] = run;
    const { reservedPages } = learnt;
    place.write({ id, run, reservedPages, supervisedMs, env, args, stdin, tape, secrets });
    const buffers = place.untold();
    if (buffers !== undefined) {
      this.#post({ kind: "seat", seat, buffers });
      Atomics.store(this.#views.generation, seat, buffers.generation);
    }
    Atomics.store(this.#views.queue, queuePlace(run), seat);
    Atomics.store(this.#views.state, seat, SEAT.waiting);
    Atomics.add(this.#views.queueEnd, 0, 1);
    this.#ring();
    return true;
  }

  know({ id, module, plan }: LoadedModule): void {
    if (this.#known.has(id)) return;
    this.#known.add(id);
    this.#post({ kind: "load", id, module, plan });
  }

  forget(id: number): void {
    if (this.#known.delete(id)) this.#post({ kind: "unload", id });
  }

  /** Tells of every run that has ended since it was last asked. */
  collect(events: GuestThreadEvents): void {
    for (let seat = 0; seat < SEATS && this.#held > 0; seat += 1) {
      if (Atomics.load(this.#views.state, seat) === SEAT.done) this.#collectAt(seat, events);
    }
  }

  #collectAt(seat: number, events: GuestThreadEvents): void {
    const job = this.#jobs[seat]!;
    const place = this.#seats[seat]!;
    const result = place.result();
    this.#release(seat, job);
    if (seat === this.#stuckSeat) this.#unstick();
    place.clean();
    Atomics.store(this.#views.state, seat, SEAT.free);
    events.result(this, job, result);
  }

  running(): RunningJob | undefined {
    const seat = this.#runningSeat();
    return seat === undefined ? undefined : this.#runningAt(seat);
  }

  /** Runs that wait for a host call's answer. */
  suspended(): readonly RunningJob[] {
    return this.#jobs.flatMap((job, seat) => {
      if (job === undefined || Atomics.load(this.#views.state, seat) !== SEAT.suspended) return [];
      return [this.#runningAt(seat)];
    });
  }

  #runningAt(seat: number): RunningJob {
    const { startedAt, runningSince, cpuBase } = this.#views;
    return {
      job: this.#jobs[seat]!,
      startedAt: startedAt[seat]!,
      runningSince: runningSince[seat]!,
      cpuBaseMs: cpuBase[seat]!,
    };
  }

  /** Processor time the thread has used, in milliseconds; 0 where the system does not say. */
  processorMs(): number {
    return this.#priority?.processorMs() ?? 0;
  }

  /**
   * Takes the run under way out of the guest's hands; the thread is good for nothing after it but
   * `stop`. Undefined where there is no such run, also because it has just ended: its result is coming.
   */
  halt(now: number): HaltedRun | undefined {
    const seat = this.#runningSeat();
    return seat === undefined ? undefined : this.#haltAt(seat, SEAT.running, now);
  }

  /** The same for a run that is suspended; the thread goes on. Undefined where it is not. */
  haltSuspended(job: Job, now: number): HaltedRun | undefined {
    const seat = this.#jobs.indexOf(job);
    const halted = seat === -1 ? undefined : this.#haltAt(seat, SEAT.suspended, now);
    if (halted === undefined) return undefined;
    this.#release(seat, job);
    this.#ring();
    return halted;
  }

  #haltAt(seat: number, from: number, now: number): HaltedRun | undefined {
    const before = Atomics.compareExchange(this.#views.state, seat, from, SEAT.halted);
    if (before !== from) return undefined;
    return {
      job: this.#jobs[seat]!,
      elapsedMs: now - this.#views.startedAt[seat]!,
      effects: this.#seats[seat]!.effects(),
    };
  }

  #runningSeat(): number | undefined {
    for (let seat = 0; seat < SEATS; seat += 1) {
      if (this.#jobs[seat] === undefined) continue;
      if (Atomics.load(this.#views.state, seat) === SEAT.running) return seat;
    }
    return undefined;
  }

  /** Whether the job had not begun; then it is no longer here. */
  takeBack(job: Job): boolean {
    const seat = this.#jobs.indexOf(job);
    if (seat === -1) return false;
    const before = Atomics.compareExchange(this.#views.state, seat, SEAT.waiting, SEAT.takenBack);
    if (before !== SEAT.waiting) return false;
    this.#release(seat, job);
    return true;
  }

  /** Ends the thread and gives back the jobs it held. */
  stop(): readonly Job[] {
    this.#state = "stopped";
    // Node's main thread waits for a thread to be gone: that must not take as long as its runs may.
    this.#priority?.restore();
    const left = this.jobs();
    for (let seat = 0; seat < SEATS; seat += 1) this.#answers.end(seat);
    this.#jobs.fill(undefined);
    this.#held = 0;
    this.gone = this.#worker.terminate();
    return left;
  }

  #release(seat: number, job: Job): void {
    this.#answers.end(seat);
    this.#jobs[seat] = undefined;
    this.#held -= 1;
    this.backlogMs = this.#held === 0 ? 0 : this.backlogMs - job.loaded.learnt.expectedMs;
  }

  #ring(): void {
    Atomics.add(this.#views.rings, 0, 1);
    Atomics.notify(this.#views.rings, 0);
  }

  #post(message: ToGuest): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#worker.postMessage(message);
  }
}
