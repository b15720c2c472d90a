import { PAGE_BYTES } from "../journal.ts";
import {
  GROWN_EXPORT,
  MEMORY_IMPORT,
  PAGES_EXPORT,
  REFUSED_EXPORT,
  TABLE_REFUSED_EXPORT,
  type ModulePlan,
  type RunEnd,
} from "../protocol.ts";
import type { GuestContext } from "./context.ts";
import { memorySize, type Memories, type MemorySize } from "./memories.ts";
import type { Seat } from "./seat.ts";
import { threadCpuMs } from "./thread-cpu.ts";
import { trapFrames, trapReason } from "./trap.ts";
import type { Granted } from "./wasi/descriptors.ts";

export interface Loaded {
  readonly module: WebAssembly.Module;
  readonly plan: ModulePlan;
  /** The files and streams that a run begins with. */
  readonly grant: (context: GuestContext) => Granted;
  /** Whether this thread has run it before. */
  met: boolean;
}

/** A context, with the import functions that are bound to it. */
export interface Bound {
  readonly context: GuestContext;
  readonly imports: WebAssembly.Imports;
  /** What is called with the guest's pages after its memory grew. */
  readonly grown: unknown;
}

export interface ExecutionParts {
  readonly loaded: Loaded;
  readonly bound: Bound;
  readonly seat: Seat;
  readonly memories: Memories;
}

/** One run in its instance, from taking its memory to giving it back. */
export class Execution {
  readonly #parts: ExecutionParts;
  readonly #startedMs = performance.now();
  readonly #size: MemorySize | null;
  #memory: WebAssembly.Memory | null = null;
  #instance: WebAssembly.Instance | undefined;

  /** The seat's journal must have been cleared. */
  constructor(parts: ExecutionParts) {
    const { loaded, bound, seat } = parts;
    const { plan } = loaded;
    this.#parts = parts;
    this.#size = plan.memory === null ? null : memorySize(plan.memory, seat.reservedPages);
    if (plan.limits.cpuMs > 0) seat.noteCpuBase(threadCpuMs());
    seat.journal.begin(plan.limits, !loaded.met);
    loaded.met = true;
    const { hostCalls: mostCalls } = plan.limits;
    bound.context.begin(seat, { mostCalls, startedMs: this.#startedMs });
  }

  /** Gets its files and its memory; how the run has ended where it cannot. */
  begin(): RunEnd | undefined {
    const { loaded, bound, memories, seat } = this.#parts;
    const { context } = bound;
    try {
      context.grant(loaded.grant(context));
    } catch (error) {
      // Files have times, which a tape may not have.
      if (context.diverged === null) throw error;
      return { kind: "diverged", reason: context.diverged };
    }
    try {
      if (this.#size !== null) this.#memory = memories.take(seat.id, this.#size);
    } catch (error) {
      return { kind: "no_memory", reason: error instanceof Error ? error.message : String(error) };
    }
    context.memory.attach(this.#memory);
    seat.journal.notePages(loaded.plan.memory?.initialPages ?? 0);
    return undefined;
  }

  /** Runs to the guest's own end. */
  enter(): RunEnd {
    const { plan } = this.#parts.loaded;
    try {
      const exports = this.#instantiate();
      if (plan.initialize) (exports["_initialize"] as () => void)();
      if (plan.entry === "reactor") {
        return this.#exit((exports["handle_event"] as () => number | undefined)() ?? 0);
      }
      if (plan.entry === "bare") callBare(exports, this.#parts.bound.context);
      else (exports["_start"] as () => void)();
      return this.#exit(0);
    } catch (error) {
      return this.#thrown(error);
    }
  }

  /** The same, but a host call may suspend the guest on the way. */
  async enterSuspending(): Promise<RunEnd> {
    const { plan } = this.#parts.loaded;
    try {
      const exports = this.#instantiate();
      const call = (name: string) =>
        WebAssembly.promising(exports[name] as () => number | undefined)();
      if (plan.initialize) await call("_initialize");
      if (plan.entry === "reactor") return this.#exit((await call("handle_event")) ?? 0);
      if (plan.entry === "bare") await callBareSuspending(exports, this.#parts.bound.context);
      else await call("_start");
      return this.#exit(0);
    } catch (error) {
      return this.#thrown(error);
    }
  }

  /** Tells the host, and then cleans up for the next run. */
  finish(end: RunEnd, suspendedMs: number): void {
    const { loaded, bound, seat } = this.#parts;
    const { id } = seat;
    const { watchesGrowth, watchesTables } = loaded.plan;
    if (watchesGrowth && this.#flag(REFUSED_EXPORT)) bound.context.noteLimit("memory");
    if (watchesTables && this.#flag(TABLE_REFUSED_EXPORT)) bound.context.noteLimit("table");
    const { unreplayed } = bound.context;
    bound.context.end();
    const told: RunEnd = unreplayed === null ? end : { kind: "diverged", reason: unreplayed };
    seat.end(told, performance.now() - this.#startedMs, suspendedMs);
    this.#giveBack(id);
  }

  /** Cleans up after a run that the host has ended, so that there is nobody to tell; its seat is free then. */
  abandon(): void {
    const { bound, seat } = this.#parts;
    bound.context.end();
    this.#giveBack(seat.id);
    seat.free();
  }

  #giveBack(id: number): void {
    if (this.#memory !== null) this.#parts.memories.give(id, this.#size!, this.#memory);
  }

  #instantiate(): WebAssembly.Exports {
    const { loaded, bound, seat } = this.#parts;
    const imports =
      this.#memory === null
        ? bound.imports
        : { ...bound.imports, [MEMORY_IMPORT.module]: { [MEMORY_IMPORT.name]: this.#memory } };
    this.#instance = new WebAssembly.Instance(loaded.module, imports);
    const { exports } = this.#instance;
    // A module whose growth is watched has this global; a start function's growth comes too soon for it.
    if (loaded.plan.watchesGrowth) {
      (exports[GROWN_EXPORT] as WebAssembly.Global).value = bound.grown;
      const pages = (exports[PAGES_EXPORT] as WebAssembly.Global).value as number;
      bound.context.memory.willBeTold(pages * PAGE_BYTES);
      seat.journal.notePages(pages);
    }
    return exports;
  }

  /** Whether a global that the rewriting added says that a limit refused something. */
  #flag(name: string): boolean {
    const flag = this.#instance?.exports[name];
    return flag instanceof WebAssembly.Global && flag.value === 1;
  }

  #exit(code: number): RunEnd {
    return { kind: "exit", code };
  }

  #thrown(error: unknown): RunEnd {
    const { context } = this.#parts.bound;
    if (context.exitCode !== null) return this.#exit(context.exitCode);
    const frames = trapFrames(error);
    const { stackTrap, limits } = this.#parts.loaded.plan;
    if (stackTrap !== null && frames[0]?.index === stackTrap) {
      context.noteLimit("stack");
      const reason = `the stack depth limit of ${limits.stackCalls} calls (limits.stack) was reached`;
      return { kind: "trap", limit: "stack", reason, frames };
    }
    if (error instanceof RangeError && /call stack/.test(error.message)) {
      context.noteLimit("stack");
    }
    return { kind: "trap", reason: trapReason(error), frames };
  }
}

// The host checked names and types when the module was loaded.
type Alloc = (length: number) => number;
type HandleEvent = (at: number, length: number) => bigint;

function callBare(exports: WebAssembly.Exports, context: GuestContext): void {
  const { length } = context.stdin;
  const at = (exports["alloc"] as Alloc)(length);
  giveEvent(at, context);
  takeOutput((exports["handle_event"] as HandleEvent)(at, length), context);
}

async function callBareSuspending(
  exports: WebAssembly.Exports,
  context: GuestContext,
): Promise<void> {
  const { length } = context.stdin;
  const at = await WebAssembly.promising(exports["alloc"] as Alloc)(length);
  giveEvent(at, context);
  const handle = WebAssembly.promising(exports["handle_event"] as HandleEvent);
  takeOutput(await handle(at, length), context);
}

function giveEvent(at: number, { memory, stdin }: GuestContext): void {
  inMemory("alloc", () => memory.slice(at, stdin.length).set(stdin));
}

function takeOutput(packed: bigint, { memory, journal }: GuestContext): void {
  const answer = BigInt.asUintN(64, packed);
  const from = Number(answer >> 32n);
  const length = Number(answer & 0xffff_ffffn);
  inMemory("handle_event", () => journal.stdout.write(memory.slice(from, length)));
}

function inMemory(name: string, use: () => void): void {
  try {
    use();
  } catch (cause) {
    throw new Error(`\`${name}\` answered with a place outside the memory`, { cause });
  }
}
