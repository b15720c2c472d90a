import { PAGE_BYTES } from "../journal.ts";
import type { ModulePlan } from "../protocol.ts";
import type { RunResult } from "./seat.ts";

/** A run that takes longer has nobody waiting behind it. */
export const STUCK_MS = 15;
/** What a run is taken to need before anybody has seen one. */
const FIRST_GUESS_MS = 1;
/** Zeroing more than this between runs costs as much as a new memory. */
const MOST_RESERVED_PAGES = 128;
/** So many runs must have needed more before more is reserved for all. */
const OUTGROWN_RUNS = 3;
/** A version that ran out of time once is watched for it until this many runs have not. */
const FORGIVING_RUNS = 100;

/** What the runs of a version have taught about its next ones. */
export interface Learnt {
  /** What a run takes of its thread's time, by the last ones; says how many may wait in one thread. */
  expectedMs: number;
  /** Whether a run was ever suspended. */
  waits: boolean;
  /** Whether its runs are ended in their own threads when they run out of time: one has before. */
  supervised: boolean;
  /** Runs that have ended in time since. */
  inTime: number;
  /** Whether a run's growth can find its place in the memory that it is given. */
  readonly reserves: boolean;
  /** Pages of that memory, so that most find it. */
  reservedPages: number;
  /** Runs that grew beyond it, since it was last raised. */
  outgrown: number;
}

export function nothingLearnt({ memory, watchesGrowth }: ModulePlan): Learnt {
  return {
    expectedMs: FIRST_GUESS_MS,
    waits: false,
    supervised: false,
    inTime: 0,
    reserves: watchesGrowth,
    reservedPages: memory?.initialPages ?? 0,
    outgrown: 0,
  };
}

/** From a run that has ended by itself, or in its own thread. */
export function learn(learnt: Learnt, result: RunResult): void {
  // A cold run says little about the time of the next one.
  if (!result.cold) {
    const busyMs = result.durationMs - result.suspendedMs;
    learnt.expectedMs += (busyMs - learnt.expectedMs) / 8;
  }
  if (result.suspendedMs > 0) learnt.waits = true;
  forgive(learnt, result);
  if (result.memoryBytes <= learnt.reservedPages * PAGE_BYTES) return;
  learnt.outgrown += 1;
  if (learnt.outgrown < OUTGROWN_RUNS) return;
  learnt.outgrown = 0;
  reserve(learnt, result.memoryBytes);
}

function forgive(learnt: Learnt, { end }: RunResult): void {
  if (!learnt.supervised) return;
  learnt.inTime = end.kind === "timed_out" ? 0 : learnt.inTime + 1;
  if (learnt.inTime >= FORGIVING_RUNS) learnt.supervised = false;
}

/** A run was ended from outside: the next ones may take as long. */
export function tookLong(learnt: Learnt): void {
  learnt.expectedMs = Math.max(learnt.expectedMs, STUCK_MS);
}

/** A run was ended because it was out of time. */
export function offended(learnt: Learnt): void {
  tookLong(learnt);
  learnt.supervised = true;
  learnt.inTime = 0;
}

/** From now on every run is given a memory of that size, in which its growth finds its place. */
export function reserve(learnt: Learnt, memoryBytes: number): void {
  const pages = memoryBytes / PAGE_BYTES;
  if (!learnt.reserves || pages > MOST_RESERVED_PAGES) return;
  learnt.reservedPages = Math.max(learnt.reservedPages, pages);
}
