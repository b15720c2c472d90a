import type { JournalBuffers } from "../journal.ts";
import {
  GROWN_EXPORT,
  MEMORY_IMPORT,
  REFUSED_EXPORT,
  type ModulePlan,
  type Run,
  type RunEnd,
  type RunResult,
} from "../protocol.ts";
import { GuestContext } from "./context.ts";
import { emitFunction } from "./emit.ts";
import { asGuestFunction } from "./guest-function.ts";
import { Memories } from "./memories.ts";
import { trapFrames, trapReason } from "./trap.ts";
import { preview1 } from "./wasi/preview1.ts";

interface Loaded {
  readonly module: WebAssembly.Module;
  readonly plan: ModulePlan;
  met: boolean;
}

/** Runs modules one after another, each run in an instance of its own. */
export class Guest {
  readonly context: GuestContext;
  readonly #memories = new Memories();
  readonly #loaded = new Map<string, Loaded>();
  readonly #imports: WebAssembly.Imports;
  readonly #grown: unknown;

  constructor(journal: JournalBuffers) {
    this.context = new GuestContext(journal);
    this.#imports = {
      wasi_snapshot_preview1: preview1(this.context),
      nexus: { emit: emitFunction(this.context) },
    };
    this.#grown = asGuestFunction(() => this.context.noteMemory());
  }

  load(version: string, module: WebAssembly.Module, plan: ModulePlan): void {
    if (!this.#loaded.has(version)) this.#loaded.set(version, { module, plan, met: false });
  }

  unload(version: string): void {
    this.#loaded.delete(version);
    this.#memories.forget(version);
  }

  /**
   * Runs to the guest's own end. Whatever the guest does, this returns or is killed with its thread.
   * The journal must have been cleared.
   */
  run(run: Run): RunResult {
    const loaded = this.#loaded.get(run.version);
    if (loaded === undefined) throw new Error(`Cannot run "${run.version}": it was never loaded`);
    const { plan } = loaded;
    const { context } = this;
    const cold = !loaded.met;
    loaded.met = true;
    const startedMs = performance.now();
    context.startedMs = startedMs;
    context.journal.begin(plan.limits, cold);
    let memory: WebAssembly.Memory | null = null;
    let end: RunEnd;
    try {
      memory = plan.memory === null ? null : this.#memories.take(run.version, plan.memory);
      context.begin(run, memory);
      context.noteMemory();
      end = this.#enter(loaded, memory);
    } catch (error) {
      // The one thing that throws out here: the machine gave no memory to begin with.
      context.begin(run, null);
      end = { kind: "no_memory", reason: error instanceof Error ? error.message : String(error) };
    }
    const durationMs = performance.now() - startedMs;
    context.noteMemory();
    const result: RunResult = { slot: run.slot, end, durationMs, ...context.journal.read() };
    context.end();
    if (memory !== null && plan.memory !== null) {
      this.#memories.give(run.version, plan.memory, memory);
    }
    return result;
  }

  #enter(loaded: Loaded, memory: WebAssembly.Memory | null): RunEnd {
    const { plan } = loaded;
    let instance: WebAssembly.Instance | undefined;
    const refused = (): boolean => {
      if (!plan.watchesGrowth || instance === undefined) return false;
      const flag = instance.exports[REFUSED_EXPORT];
      return flag instanceof WebAssembly.Global && flag.value === 1;
    };
    try {
      instance = this.#instantiate(loaded, memory);
      const code = this.#call(instance.exports, plan);
      return { kind: "exit", code, growthRefused: code !== 0 && refused() };
    } catch (error) {
      const code = this.context.exitCode;
      if (code !== null) return { kind: "exit", code, growthRefused: code !== 0 && refused() };
      const frames = trapFrames(error);
      return { kind: "trap", reason: trapReason(error), frames, growthRefused: refused() };
    }
  }

  #instantiate({ module, plan }: Loaded, memory: WebAssembly.Memory | null): WebAssembly.Instance {
    const imports =
      memory === null
        ? this.#imports
        : { ...this.#imports, [MEMORY_IMPORT.module]: { [MEMORY_IMPORT.name]: memory } };
    const instance = new WebAssembly.Instance(module, imports);
    // A module whose growth is watched has this global; a start function's growth comes too soon for it.
    if (plan.watchesGrowth) {
      (instance.exports[GROWN_EXPORT] as WebAssembly.Global).value = this.#grown;
      this.context.noteMemory();
    }
    return instance;
  }

  // The host checked names and types when the module was loaded.
  #call(exports: WebAssembly.Exports, plan: ModulePlan): number {
    if (plan.initialize) (exports["_initialize"] as () => void)();
    if (plan.entry === "reactor") {
      return (exports["handle_event"] as () => number | undefined)() ?? 0;
    }
    if (plan.entry === "bare") this.#callBare(exports);
    else (exports["_start"] as () => void)();
    return 0;
  }

  #callBare(exports: WebAssembly.Exports): void {
    const { memory, stdin, journal } = this.context;
    const alloc = exports["alloc"] as (length: number) => number;
    const handle = exports["handle_event"] as (at: number, length: number) => bigint;
    const at = alloc(stdin.length);
    inMemory("alloc", () => memory.slice(at, stdin.length).set(stdin));
    const answer = BigInt.asUintN(64, handle(at, stdin.length));
    const from = Number(answer >> 32n);
    const length = Number(answer & 0xffff_ffffn);
    inMemory("handle_event", () => journal.stdout.write(memory.slice(from, length)));
  }
}

function inMemory(name: string, use: () => void): void {
  try {
    use();
  } catch (cause) {
    throw new Error(`\`${name}\` answered with a place outside the memory`, { cause });
  }
}
