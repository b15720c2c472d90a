/**
 * All that crosses the wall between the server's thread and a guest thread: plain data in closed
 * unions, and the layout of the memory both see. Runs and their ends go through that memory (seat.ts);
 * messages only carry what is rare: modules, and memory.
 */

import type { GrantedFiles } from "../core/mounts.ts";
import type { HostAnswer, HostCall } from "./host-calls.ts";
import type { PassThrough } from "./files-channel.ts";
import type { SeatBuffers } from "./seat.ts";

export { SCRATCH } from "../core/mounts.ts";
export type { GrantedFiles, MountedFiles, MountedNode } from "../core/mounts.ts";

export interface GuestLimits {
  readonly memoryBytes: number;
  readonly outputBytes: number;
  readonly logBytes: number;
  readonly logLines: number;
  readonly emits: number;
  readonly hostCalls: number;
  /** Processor time; 0: as long as the timeout lets it. */
  readonly cpuMs: number;
  /** Recursive calls under way at a time; absent: as many as V8's stack holds. */
  readonly stackCalls?: number | undefined;
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
  /** The function in which a run traps that goes over its limit of recursive calls; null: there is none. */
  readonly stackTrap: number | null;
  /** Whether a host call may suspend it: it imports one that can wait. */
  readonly suspends: boolean;
  readonly limits: GuestLimits;
  readonly files: GrantedFiles;
  /** A local run only: the process's own streams and directories in place of all that. */
  readonly passThrough?: PassThrough;
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

/** A mutable (ref null (func)) in it, where it has tail calls: null. */
export const TAIL_CALL_EXPORT = "nexus:tail-call";

/** Names that the rewritten module alone exports. */
export const ADDED_EXPORTS: ReadonlySet<string> = new Set([
  PAGES_EXPORT,
  REFUSED_EXPORT,
  GROWN_EXPORT,
  TABLE_REFUSED_EXPORT,
  TAIL_CALL_EXPORT,
]);

export type ToGuest =
  | {
      readonly kind: "load";
      readonly id: number;
      readonly module: WebAssembly.Module;
      readonly plan: ModulePlan;
    }
  | { readonly kind: "unload"; readonly id: number }
  | { readonly kind: "seat"; readonly seat: number; readonly buffers: SeatBuffers }
  /** To the question with this number. */
  | { readonly kind: "answer"; readonly id: number; readonly answer: HostAnswer };

export type FromGuest =
  | { readonly kind: "ready" }
  | {
      readonly kind: "ask";
      /** A number that no other question of the thread has. */
      readonly id: number;
      readonly seat: number;
      /** The run in the seat that asks: it may have been ended since, and the seat be another's. */
      readonly run: number;
      readonly call: HostCall;
    };

/** A function on the guest's stack, and where in the rewritten module it was. */
export interface RawFrame {
  readonly index: number;
  readonly offset: number;
}

/** Why a run failed, as JSON text in its journal. */
export interface Trouble {
  /** The limit that ended it, where that made the module trap. */
  readonly limit?: "stack";
  readonly reason: string;
  /** The innermost first. */
  readonly frames: readonly RawFrame[];
}

/** How a guest came to its end by itself, or was brought to it in its own thread. */
export type RunEnd =
  | { readonly kind: "exit"; readonly code: number }
  | ({ readonly kind: "trap" } & Trouble)
  | { readonly kind: "no_memory"; readonly reason: string }
  /** A replay that does not go as its tape does. */
  | { readonly kind: "diverged"; readonly reason: string }
  | { readonly kind: "timed_out" };

/** What a guest thread is given at its start. */
export interface GuestData {
  readonly control: SharedArrayBuffer;
  /** One for all threads: its first i32 counts up whenever a run has ended. */
  readonly bell: SharedArrayBuffer;
}

/** Runs a thread can hold at once; a power of two. */
export const SEATS = 16;

/** Where in the queue the run with this number stands, also when the numbers have gone round. */
export function queuePlace(run: number): number {
  return run & (SEATS - 1);
}

/**
 * A seat's state. Both sides change it by compare-and-swap, so a run that waits is either begun by the
 * guest or taken back by the host, never both; and one under way is either done or halted. A halted
 * run's journal is the host's to read. One that was halted while it was suspended leaves its thread
 * unharmed, and the guest frees its seat; a thread whose running run was halted begins no other.
 */
export const SEAT = {
  free: 0,
  waiting: 1,
  running: 2,
  suspended: 3,
  done: 4,
  takenBack: 5,
  halted: 6,
} as const;

export interface ControlViews {
  /** Counts up whenever there is something to look at; the guest waits on it. */
  readonly rings: Int32Array;
  /** Runs ever given out, which is the end of the queue. */
  readonly queueEnd: Int32Array;
  /** The seats in the order of their runs, in a circle. */
  readonly queue: Int32Array;
  readonly state: Int32Array;
  /** How often each seat's buffers were exchanged. */
  readonly generation: Int32Array;
  /** When each run began, by `sharedClock`. */
  readonly startedAt: Float64Array;
  /** Since when it has held its thread. */
  readonly runningSince: Float64Array;
  /** The thread's processor time, in milliseconds, at which the run would have begun without a pause. */
  readonly cpuBase: Float64Array;
}

const INTS = 2 + 3 * SEATS;
const FLOATS_AT = Math.ceil((INTS * 4) / 8) * 8;
export const CONTROL_BYTES = FLOATS_AT + 3 * SEATS * 8;

export function controlViews(buffer: SharedArrayBuffer): ControlViews {
  const ints = (index: number) => new Int32Array(buffer, 8 + index * SEATS * 4, SEATS);
  const floats = (index: number) => new Float64Array(buffer, FLOATS_AT + index * SEATS * 8, SEATS);
  return {
    rings: new Int32Array(buffer, 0, 1),
    queueEnd: new Int32Array(buffer, 4, 1),
    queue: ints(0),
    state: ints(1),
    generation: ints(2),
    startedAt: floats(0),
    cpuBase: floats(1),
    runningSince: floats(2),
  };
}

/** Milliseconds on a clock that every thread of the process reads alike; performance.now() is each thread's own. */
export function sharedClock(): () => number {
  const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  return () => performance.now() + offset;
}
