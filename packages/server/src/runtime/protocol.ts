/**
 * All that crosses the wall between the server's thread and a guest thread: plain data in closed
 * unions, and the layout of the memory both see.
 */

import type { JournalBuffers, RunEffects } from "./journal.ts";

export interface GuestLimits {
  readonly memoryBytes: number;
  readonly outputBytes: number;
  readonly logBytes: number;
  readonly logLines: number;
  readonly emits: number;
}

/** What a guest thread has to know of a module beside its code. */
export interface ModulePlan {
  readonly entry: "command" | "reactor" | "bare";
  /** Null: a module without memory. */
  readonly memory: { readonly initialPages: number; readonly maximumPages: number } | null;
  /** Whether `_initialize` is there to be called first. */
  readonly initialize: boolean;
  /** Whether growth is watched: the module has REFUSED_EXPORT and GROWN_EXPORT. */
  readonly watchesGrowth: boolean;
  readonly limits: GuestLimits;
}

/** Where the rewritten module imports its memory from. */
export const MEMORY_IMPORT = { module: "nexus:memory", name: "memory" } as const;

/** A mutable i32 in the rewritten module: 1 after `memory.grow` was refused. */
export const REFUSED_EXPORT = "nexus:growth-refused";

/** A mutable (ref null (func (param i32))) in it: called with the memory's pages after it grew. */
export const GROWN_EXPORT = "nexus:grown";

export type ToGuest =
  | {
      readonly kind: "load";
      readonly version: string;
      readonly module: WebAssembly.Module;
      readonly plan: ModulePlan;
    }
  | { readonly kind: "unload"; readonly version: string }
  | { readonly kind: "journal"; readonly journal: JournalBuffers }
  | { readonly kind: "run"; readonly runs: readonly Run[] };

export interface Run {
  readonly slot: number;
  readonly version: string;
  readonly stdin: Uint8Array;
  readonly env: Readonly<Record<string, string>>;
  /** argv, the program's name first. */
  readonly args: readonly string[];
}

export type FromGuest =
  | { readonly kind: "ready" }
  | { readonly kind: "results"; readonly results: readonly RunResult[] };

/** How a guest came to its end by itself. */
export type RunEnd =
  | { readonly kind: "exit"; readonly code: number; readonly growthRefused: boolean }
  | { readonly kind: "trap"; readonly reason: string; readonly growthRefused: boolean }
  | { readonly kind: "no_memory"; readonly reason: string };

export interface RunResult extends RunEffects {
  readonly slot: number;
  readonly end: RunEnd;
  readonly durationMs: number;
}

/** What a guest thread is given at its start. */
export interface GuestData {
  readonly slots: SharedArrayBuffer;
  readonly journal: JournalBuffers;
}

/** Runs a worker can hold at once. */
export const SLOTS = 32;

/**
 * A run's place in the memory shared with its worker. Both sides change it by compare-and-swap, so a
 * run that waits is either begun by the guest or taken back by the host, never both; and one under way
 * is either done or halted. A halted run's journal is the host's to read: its thread begins no other.
 */
export const SLOT = { free: 0, waiting: 1, running: 2, done: 3, takenBack: 4, halted: 5 } as const;

export interface SlotViews {
  readonly state: Int32Array;
  /** When the run began, by `sharedClock`. */
  readonly startedAt: Float64Array;
}

export const SLOT_BYTES = SLOTS * 12;

export function slotViews(buffer: SharedArrayBuffer): SlotViews {
  return {
    startedAt: new Float64Array(buffer, 0, SLOTS),
    state: new Int32Array(buffer, SLOTS * 8, SLOTS),
  };
}

/** Milliseconds on a clock that every thread of the process reads alike; performance.now() is each thread's own. */
export function sharedClock(): () => number {
  const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  return () => performance.now() + offset;
}
