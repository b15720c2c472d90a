import { PAGE_BYTES } from "../journal.ts";
import type { LoadedModule } from "./job.ts";
import type { RunResult } from "./seat.ts";

/** Zeroing more than this between runs costs as much as a new memory. */
const MOST_RESERVED_PAGES = 128;
/** So many runs must have needed more before more is reserved for all. */
const OUTGROWN_RUNS = 3;

/** What a run teaches about the next ones of its version. */
export function learn(loaded: LoadedModule, result: RunResult): void {
  // A cold run says little about the time of the next one.
  if (!result.cold) {
    const busyMs = result.durationMs - result.suspendedMs;
    loaded.expectedMs += (busyMs - loaded.expectedMs) / 8;
  }
  if (result.suspendedMs > 0) loaded.waits = true;
  forgive(loaded, result);
  if (result.memoryBytes <= loaded.reservedPages * PAGE_BYTES) return;
  loaded.outgrown += 1;
  if (loaded.outgrown < OUTGROWN_RUNS) return;
  loaded.outgrown = 0;
  reserve(loaded, result.memoryBytes);
}

/** A version that ran out of time once is watched for it until this many runs have not. */
const FORGIVING_RUNS = 100;

function forgive(loaded: LoadedModule, { end }: RunResult): void {
  if (!loaded.supervised) return;
  loaded.inTime = end.kind === "timed_out" ? 0 : loaded.inTime + 1;
  if (loaded.inTime >= FORGIVING_RUNS) loaded.supervised = false;
}

/** From now on every run is given a memory of that size, in which its growth finds its place. */
export function reserve(loaded: LoadedModule, memoryBytes: number): void {
  const pages = memoryBytes / PAGE_BYTES;
  if (!loaded.plan.watchesGrowth || pages > MOST_RESERVED_PAGES) return;
  loaded.reservedPages = Math.max(loaded.reservedPages, pages);
}
