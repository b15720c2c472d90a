import { PAGE_BYTES } from "../journal.ts";
import type { FromGuest, ModulePlan, RunEnd } from "../protocol.ts";
import { HOST_CALLS, type HostAnswer } from "../host-calls.ts";
import { answeredFunctions } from "./answered.ts";
import { BLOCKING } from "./blocking.ts";
import { GuestContext } from "./context.ts";
import { emitFunction } from "./emit.ts";
import { Execution, type Bound, type Loaded } from "./execution.ts";
import { VersionFiles } from "./files/granted.ts";
import { passedThrough } from "./files/pass-through.ts";
import { asGuestFunction } from "./guest-function.ts";
import type { HostBell } from "./host-bell.ts";
import { logFunction } from "./log.ts";
import { Memories } from "./memories.ts";
import type { Seat } from "./seat.ts";
import { OUT_OF_TIME, supervised } from "./supervised.ts";
import { SuspendingRun } from "./suspending-run.ts";
import { preview1 } from "./wasi/preview1.ts";
import { Questions } from "./questions.ts";
import type { Outside } from "./world.ts";

/** A context for a run that may be suspended, and the run that has it. */
interface Suspending {
  readonly bound: Bound;
  run: SuspendingRun | undefined;
}

/** Runs modules, each run in an instance of its own: one after another, but for those that are suspended. */
export class Guest {
  readonly #memories = new Memories();
  readonly #loaded = new Map<number, Loaded>();
  readonly #plain = bind(BLOCKING, false);
  readonly #idle: Suspending[] = [];
  readonly #suspended = new Set<SuspendingRun>();
  readonly #bell: HostBell;
  readonly #questions: Questions;

  constructor(bell: HostBell, send: (message: FromGuest) => void) {
    this.#bell = bell;
    this.#questions = new Questions(send);
  }

  load(id: number, module: WebAssembly.Module, plan: ModulePlan): void {
    if (this.#loaded.has(id)) return;
    this.#loaded.set(id, { module, plan, grant: grants(plan), met: false });
  }

  unload(id: number): void {
    this.#loaded.delete(id);
    this.#memories.forget(id);
  }

  knows(id: number): boolean {
    return this.#loaded.has(id);
  }

  /** Runs that wait for a host call's answer. */
  get suspended(): number {
    return this.#suspended.size;
  }

  /** Whether some of them have asked the host. */
  get asks(): boolean {
    return this.#questions.any;
  }

  /** Never to be called while a run holds the thread. */
  answer(id: number, answer: HostAnswer): void {
    this.#questions.answer(id, answer);
  }

  /**
   * Runs the guest in the seat to its own end, and says so there; whatever it does, this returns or is
   * killed with its thread. A promise where it may be suspended: it resolves when the run has ended or
   * is suspended, and a suspended one goes on when its host call has its answer.
   */
  run(seat: Seat): Promise<void> | undefined {
    const loaded = this.#loaded.get(seat.id);
    if (loaded === undefined) throw new Error(`Cannot run module ${seat.id}: it was never loaded`);
    if (loaded.plan.suspends) return this.#runSuspending(loaded, seat);
    const execution = this.#execution(loaded, this.#plain, seat);
    execution.finish(execution.begin() ?? enter(execution, seat.supervisedMs), 0);
    return undefined;
  }

  #runSuspending(loaded: Loaded, seat: Seat): Promise<void> {
    const place = this.#idle.pop() ?? suspending(this.#questions);
    return new Promise((resolve, reject) => {
      const run = new SuspendingRun(seat, (paused) => {
        this.#suspended.add(paused);
        resolve();
      });
      place.run = run;
      const ended = (): void => {
        this.#suspended.delete(run);
        place.run = undefined;
        this.#idle.push(place);
        this.#bell.ring(); // the thread may be at rest, where nobody else would
        resolve();
      };
      run.complete(this.#execution(loaded, place.bound, seat)).then(ended, reject);
    });
  }

  /** Takes suspended runs that the host has ended to their end. */
  sweep(): void {
    for (const run of this.#suspended) run.wakeIfHalted();
  }

  #execution(loaded: Loaded, bound: Bound, seat: Seat): Execution {
    return new Execution({ loaded, bound, seat, memories: this.#memories });
  }
}

function enter(execution: Execution, supervisedMs: number): RunEnd {
  if (supervisedMs === 0) return execution.enter();
  const end = supervised(() => execution.enter(), supervisedMs);
  return end === OUT_OF_TIME ? { kind: "timed_out" } : end;
}

function grants({ files, passThrough }: ModulePlan): Loaded["grant"] {
  if (passThrough !== undefined) return () => passedThrough(passThrough);
  const versionFiles = new VersionFiles(files);
  return (context) => versionFiles.grant(context);
}

function suspending(questions: Questions): Suspending {
  const outside: Outside = {
    sleep: (dueNs) => place.run!.sleep(dueNs),
    ask: (call) => place.run!.ask(call, questions),
  };
  const place: Suspending = { bound: bind(outside, true), run: undefined };
  return place;
}

function bind(outside: Outside, suspends: boolean): Bound {
  const context = new GuestContext(outside);
  const wasi = preview1(context);
  const answered = answeredFunctions(context);
  return {
    context,
    imports: {
      wasi_snapshot_preview1: suspends ? withSuspending(wasi, ["poll_oneoff"]) : wasi,
      nexus: {
        emit: emitFunction(context),
        log: logFunction(context),
        ...(suspends ? withSuspending(answered, Object.keys(HOST_CALLS)) : answered),
      },
    },
    grown: asGuestFunction((pages) => {
      context.memory.grown(pages * PAGE_BYTES);
      context.journal.notePages(pages);
    }),
  };
}

function withSuspending(
  functions: Record<string, (...args: never[]) => unknown>,
  names: readonly string[],
): Record<string, WebAssembly.ImportValue> {
  const suspending = names.map((name) => [name, new WebAssembly.Suspending(functions[name]!)]);
  return { ...functions, ...Object.fromEntries(suspending) };
}
