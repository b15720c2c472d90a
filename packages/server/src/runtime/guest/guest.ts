import type { JournalBuffers } from "../journal.ts";
import {
  FACTS_IMPORT,
  MEMORY_IMPORT,
  REFUSED_EXPORT,
  type ModulePlan,
  type Run,
  type RunEnd,
  type RunResult,
} from "../protocol.ts";
import { GuestContext } from "./context.ts";
import { emitFunction } from "./emit.ts";
import { Memories } from "./memories.ts";
import { trapReason } from "./trap.ts";
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
  /** The memories among the imports: one object for all runs, filled before each. */
  readonly #lent: Record<string, WebAssembly.Memory<ArrayBufferLike>> = {};

  constructor(journal: JournalBuffers) {
    this.context = new GuestContext(journal);
    this.#imports = {
      wasi_snapshot_preview1: preview1(this.context),
      nexus: { emit: emitFunction(this.context) },
      [MEMORY_IMPORT.module]: this.#lent,
    };
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
      context.journal.noteMemory(context.memory.byteLength);
      end = this.#enter(loaded, memory);
    } catch (error) {
      // The one thing that throws out here: the machine gave no memory to begin with.
      context.begin(run, null);
      end = { kind: "no_memory", reason: error instanceof Error ? error.message : String(error) };
    }
    const durationMs = performance.now() - startedMs;
    context.journal.noteMemory(memory === null ? 0 : memory.buffer.byteLength);
    const result: RunResult = { slot: run.slot, end, durationMs, ...context.journal.read() };
    context.end();
    if (memory !== null && plan.memory !== null) {
      this.#memories.give(run.version, plan.memory, memory);
    }
    return result;
  }

  #enter({ module, plan }: Loaded, memory: WebAssembly.Memory | null): RunEnd {
    let instance: WebAssembly.Instance | undefined;
    const refused = (): boolean => {
      if (!plan.watchesGrowth || instance === undefined) return false;
      const flag = instance.exports[REFUSED_EXPORT];
      return flag instanceof WebAssembly.Global && flag.value === 1;
    };
    try {
      instance = this.#instantiate(module, memory);
      const code = this.#call(instance.exports, plan);
      return { kind: "exit", code, growthRefused: code !== 0 && refused() };
    } catch (error) {
      const code = this.context.exitCode;
      if (code !== null) return { kind: "exit", code, growthRefused: code !== 0 && refused() };
      return { kind: "trap", reason: trapReason(error), growthRefused: refused() };
    }
  }

  #instantiate(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory | null,
  ): WebAssembly.Instance {
    const { factsMemory } = this.context.journal;
    this.#lent[FACTS_IMPORT.name] = factsMemory;
    this.#lent[MEMORY_IMPORT.name] = memory ?? factsMemory;
    try {
      return new WebAssembly.Instance(module, this.#imports);
    } finally {
      // Nothing here keeps a memory that is let go of.
      this.#lent[MEMORY_IMPORT.name] = factsMemory;
    }
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
