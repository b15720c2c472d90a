import { availableParallelism } from "node:os";
import { NexusError } from "../../core/errors.ts";
import type { GrantedFiles } from "../../core/mounts.ts";
import { planModule } from "../module/check.ts";
import { importModules } from "../module/imports.ts";
import { invalidModule } from "../module/reader.ts";
import { rewriteModule } from "../module/rewrite.ts";
import { readModule, SECTION, type ModuleShape } from "../module/sections.ts";
import { HOST_CALLS } from "../host-calls.ts";
import { PAGE_BYTES } from "../journal.ts";
import type { ModulePlan } from "../protocol.ts";
import { keepSymbols } from "../symbols/symbols.ts";
import type {
  InvokeRequest,
  LoadableModule,
  ModuleFacts,
  Outcome,
  Runtime,
  RuntimeStatus,
} from "../runtime.ts";
import { setUpEngine } from "./engine.ts";
import type { Job, LoadedModule } from "./job.ts";
import { nothingLearnt, offended, reserve } from "./learn.ts";
import { outcomeOfStopped } from "./outcome.ts";
import { Pool } from "./pool.ts";

export interface ThreadRuntimeOptions {
  /** Threads that are always there. */
  readonly workers?: number;
  /** Threads there may be while all others are held up by long runs. */
  readonly maxWorkers?: number;
  /** Whether guests give way to the other threads of the process, and long runs to short ones: yes, unless told. */
  readonly givesWay?: boolean;
}

const NO_FILES: GrantedFiles = { mounts: [], scratchBytes: 0 };

const WARM_UP_MS = 250;
const WARM_UP_WAIT_MS = 1_000;
const WARM_UP_EVENT = new TextEncoder().encode(
  '{"specversion":"1.0","id":"warm-up","source":"/nexus/runtime","type":"nexus.warm-up"}',
);
const WARM_UP_ENV = { NEXUS_WARM_UP: "true" };

/** A runtime whose functions run in worker threads of this process. */
export function threadRuntime(options: ThreadRuntimeOptions = {}): Runtime {
  setUpEngine();
  const cores = availableParallelism();
  const { workers = Math.max(2, cores), givesWay = true } = options;
  const { maxWorkers = Math.max(8, 4 * cores, workers) } = options;
  return new ThreadRuntime({ workers, maxWorkers: Math.max(workers, maxWorkers), givesWay });
}

class ThreadRuntime implements Runtime {
  readonly #loaded = new Map<string, LoadedModule>();
  readonly #loading = new Map<string, Promise<ModuleFacts>>();
  #underWay = 0;
  readonly #pool: Pool;
  #nextId = 1;
  #closing: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  constructor(options: Required<ThreadRuntimeOptions>) {
    this.#pool = new Pool({ ...options, loaded: this.#loaded });
  }

  async load(module: LoadableModule): Promise<ModuleFacts> {
    if (this.#closing !== undefined) throw shuttingDown(`load module "${module.version}"`);
    const loaded = this.#loaded.get(module.version);
    if (loaded !== undefined) return loaded.facts;
    const loading = this.#loading.get(module.version) ?? this.#load(module);
    this.#loading.set(module.version, loading);
    try {
      return await loading;
    } finally {
      this.#loading.delete(module.version);
    }
  }

  unload(version: string): void {
    const loaded = this.#loaded.get(version);
    if (loaded === undefined) return;
    this.#loaded.delete(version);
    loaded.retired = true;
    this.#forgetIfUnused(loaded);
  }

  invoke(request: InvokeRequest, signal?: AbortSignal): Promise<Outcome> {
    return new Promise((resolve) => {
      const loaded = this.#toRun(request);
      const cancel = () => this.#pool.cancel(job);
      const job: Job = {
        request,
        loaded,
        lane: request.lane ?? request.function,
        deaths: 0,
        alone: false,
        warmUp: false,
        settle: (outcome) => {
          signal?.removeEventListener("abort", cancel);
          this.#underWay -= 1;
          loaded.underWay -= 1;
          this.#forgetIfUnused(loaded);
          if (this.#underWay === 0) this.#idle?.();
          resolve(outcome);
        },
      };
      this.#underWay += 1;
      loaded.underWay += 1;
      if (signal?.aborted === true) {
        // Never given out: a thread might end it sooner than it could be taken back.
        job.settle(outcomeOfStopped(job, { kind: "cancelled" }));
        return;
      }
      signal?.addEventListener("abort", cancel, { once: true });
      this.#pool.submit(job);
    });
  }

  #toRun({ version, function: name }: InvokeRequest): LoadedModule {
    if (this.#closing !== undefined) throw shuttingDown(`run function "${name}"`);
    const loaded = this.#loaded.get(version);
    if (loaded !== undefined) return loaded;
    throw new NexusError(
      "MODULE_INVALID",
      `Cannot run function "${name}": version "${version}" is not loaded`,
    );
  }

  status(): RuntimeStatus {
    const { threads, busy, queued, replaced, coldStarts, warmStarts } = this.#pool;
    const loaded = this.#loaded.size;
    return { workers: threads, busy, queued, replaced, coldStarts, warmStarts, loaded };
  }

  async close(signal?: AbortSignal): Promise<void> {
    this.#closing ??= this.#drain();
    if (signal !== undefined) {
      // Settles what is under way; the drain that was begun above goes on from there and waits.
      const stop = () => void this.#pool.close();
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
      await this.#closing;
      signal.removeEventListener("abort", stop);
    }
    await this.#closing;
  }

  async #drain(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await this.#pool.close();
  }

  async #load(loadable: LoadableModule): Promise<ModuleFacts> {
    const { version, bytes, limits, files = NO_FILES, passThrough, warmUp = true } = loadable;
    const shape = readModule(bytes, limits.moduleBytes);
    const checked = planModule(shape, limits, loadable.grants);
    // The module as it came must be valid by itself: what the rewriting adds could make an index good
    // that named nothing before. It also gives V8's messages the user's own byte positions.
    await compile(new Uint8Array(bytes));
    const rewritten = rewriteModule(shape, checked.memory, limits);
    const module = await compile(rewritten.bytes);
    const symbols = await keepSymbols(shape, rewritten.positions, loadable.sourceMap);
    const facts: ModuleFacts = {
      entry: checked.entry,
      initialMemoryBytes: (checked.memory?.initialPages ?? 0) * PAGE_BYTES,
      imports: importModules(shape),
    };
    const { memoryBytes, outputBytes, logBytes, logLines, emits, hostCalls } = limits;
    const { cpuMs, stackCalls } = limits;
    const mostKept = { outputBytes, logBytes, logLines, emits };
    const plan: ModulePlan = {
      ...checked,
      suspends: suspends(shape, checked.entry, passThrough !== undefined),
      limits: { memoryBytes, ...mostKept, hostCalls, cpuMs, stackCalls },
      watchesGrowth: rewritten.watchesGrowth,
      watchesTables: rewritten.watchesTables,
      stackTrap: rewritten.stackTrap,
      files,
      ...(passThrough === undefined ? {} : { passThrough }),
    };
    const loaded: LoadedModule = {
      version,
      id: this.#nextId,
      module,
      plan,
      facts,
      symbols,
      timeoutMs: limits.timeoutMs,
      learnt: nothingLearnt(plan),
      underWay: 0,
      retired: false,
    };
    this.#nextId += 1;
    if (warmUp) await this.#warmUp(loaded);
    this.#loaded.set(version, loaded);
    return facts;
  }

  /**
   * Runs it once, so that its code is compiled and it is known how much memory it grows to; whatever it
   * does is dropped.
   */
  async #warmUp(loaded: LoadedModule): Promise<void> {
    const timeoutMs = Math.min(loaded.timeoutMs, WARM_UP_MS);
    const { version } = loaded;
    const request = { version, function: version, stdin: WARM_UP_EVENT, env: WARM_UP_ENV };
    const learnt = { ...loaded.learnt, supervised: true };
    const warming = { ...loaded, timeoutMs, learnt };
    const outcome = await new Promise<Outcome>((resolve) => {
      const settle = (outcome: Outcome): void => {
        clearTimeout(timer);
        resolve(outcome);
      };
      const job: Job = {
        request,
        loaded: warming,
        lane: version,
        deaths: 0,
        alone: false,
        warmUp: true,
        settle,
      };
      // Where every thread is held up, it goes into service cold.
      const timer = setTimeout(() => this.#pool.cancel(job), WARM_UP_WAIT_MS);
      this.#pool.submit(job);
    });
    reserve(loaded.learnt, outcome.memoryPeakBytes);
    loaded.learnt.waits = learnt.waits;
    // It may be slow, or never end: its first real runs are watched in their own threads.
    if (outcome.status === "timed_out") offended(loaded.learnt);
  }

  #forgetIfUnused(loaded: LoadedModule): void {
    if (loaded.retired && loaded.underWay === 0) this.#pool.forget(loaded.id);
  }
}

/**
 * Whether a host call can make its runs wait. For a sleep alone a run is suspended only where all of it can
 * be, and where its thread has others; else the sleep holds the thread.
 */
function suspends(shape: ModuleShape, entry: ModuleFacts["entry"], alone: boolean): boolean {
  if (shape.imports.some(({ module, name }) => module === "nexus" && name in HOST_CALLS))
    return true;
  if (alone || entry === "bare" || shape.sections.some(({ id }) => id === SECTION.start))
    return false;
  return shape.imports.some(({ name }) => name === "poll_oneoff");
}

async function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw invalidModule(message.replace(/^WebAssembly\.compile\(\): /, "V8 refuses it: "), cause);
  }
}

function shuttingDown(what: string): NexusError {
  return new NexusError("SHUTTING_DOWN", `Cannot ${what}: the runtime is closing`);
}
