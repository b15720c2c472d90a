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
  readonly memory: {
    readonly initialPages: number;
    readonly maximumPages: number;
    /** A 64-bit memory. */
    readonly wide: boolean;
  } | null;
  /** Whether `_initialize` is there to be called first. */
  readonly initialize: boolean;
  /**
   * Whether the size of the memory is the guest's own: the module has PAGES_EXPORT, REFUSED_EXPORT and
   * GROWN_EXPORT, and may be given a larger memory than it declares.
   */
  readonly watchesGrowth: boolean;
  /** Whether the module has TABLE_REFUSED_EXPORT. */
  readonly watchesTables: boolean;
  readonly limits: GuestLimits;
}

/** Where the rewritten module imports its memory from. */
export const MEMORY_IMPORT = { module: "nexus:memory", name: "memory" } as const;

/** A mutable i32 in the rewritten module: the size of the memory in pages, as the guest sees it. */
export const PAGES_EXPORT = "nexus:pages";

/** A mutable i32 in it: 1 after the limit, or the machine, refused a `memory.grow`. */
export const REFUSED_EXPORT = "nexus:growth-refused";

/** A mutable (ref null (func (param i32))) in it: called with the memory's pages after it grew. */
export const GROWN_EXPORT = "nexus:grown";

/** A mutable i32 in it: 1 after the limit refused a `table.grow`. */
export const TABLE_REFUSED_EXPORT = "nexus:table-refused";

/** Names that the rewritten module alone exports. */
export const ADDED_EXPORTS: ReadonlySet<string> = new Set([
  PAGES_EXPORT,
  REFUSED_EXPORT,
  GROWN_EXPORT,
  TABLE_REFUSED_EXPORT,
]);

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

/** A function on the guest's stack, and where in the rewritten module it was. */
export interface RawFrame {
  readonly index: number;
  readonly offset: number;
}

/** How a guest came to its end by itself. */
export type RunEnd =
  | { readonly kind: "exit"; readonly code: number; readonly growthRefused: boolean }
  | {
      readonly kind: "trap";
      readonly reason: string;
      /** The innermost first. */
      readonly frames: readonly RawFrame[];
      readonly growthRefused: boolean;
    }
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
