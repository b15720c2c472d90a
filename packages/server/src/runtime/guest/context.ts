import type { LIMIT_NAMES } from "../journal.ts";
import { GuestMemory } from "./guest-memory.ts";
import type { Journal } from "./journal.ts";
import type { Seat } from "./seat.ts";
import { WallClock } from "./wall-clock.ts";
import { Descriptors, type Granted } from "./wasi/descriptors.ts";

/** Zero-ended strings one behind the other, as the guest is to have them. */
export interface Strings {
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** Waits until the monotonic clock shows `dueNs`: at once, or with a promise where the guest is suspended. */
export type Sleep = (dueNs: bigint) => void | Promise<void>;

/**
 * What host calls know of the run under way. Import functions are bound to one once; `begin` makes all
 * of it new, so that no run sees another's. Runs that cannot be suspended share one, as they cannot meet.
 */
export class GuestContext {
  readonly memory = new GuestMemory();
  readonly sleep: Sleep;
  journal!: Journal;
  descriptors = new Descriptors(NOTHING_GRANTED);
  stdin: Uint8Array = NOTHING;
  stdinAt = 0;
  args: Strings = NO_STRINGS;
  env: Strings = NO_STRINGS;
  /** Host calls the run may make. */
  mostCalls = 0;
  /** By performance.now(). */
  startedMs = 0;
  readonly wallClock = new WallClock();
  /** What the thread's CPU clock has to be changed by to count from the run's start; null: not asked yet. */
  cpuOffsetNs: bigint | null = null;
  /** What proc_exit was given. */
  exitCode: number | null = null;

  constructor(sleep: Sleep) {
    this.sleep = sleep;
  }

  begin(seat: Seat, mostCalls: number, granted: Granted): void {
    this.descriptors = new Descriptors(granted);
    this.journal = seat.journal;
    this.stdin = seat.stdin;
    this.stdinAt = 0;
    this.args = seat.args;
    this.env = seat.env;
    this.mostCalls = mostCalls;
    this.exitCode = null;
    this.cpuOffsetNs = null;
  }

  /** A limit has stopped something that the guest wanted. */
  noteLimit(name: (typeof LIMIT_NAMES)[number]): void {
    this.journal.noteLimit(name);
  }

  /** Lets go of all that the run brought. */
  end(): void {
    this.memory.attach(null);
    this.descriptors.end();
    this.stdin = NOTHING;
    this.env = NO_STRINGS;
    this.args = NO_STRINGS;
  }
}

const NOTHING = new Uint8Array(0);
const NO_STRINGS: Strings = { count: 0, bytes: NOTHING };
const NOTHING_GRANTED: Granted = { preopens: [] };
