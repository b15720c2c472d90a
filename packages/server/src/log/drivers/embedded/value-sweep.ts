import { NexusError } from "../../../core/errors.ts";
import type { Committer } from "./committer.ts";
import { behind } from "./keys.ts";
import type { Store } from "./store.ts";
import { expiryOf } from "./value-rows.ts";
import type { Values } from "./values.ts";

/** Entries removed with one commit. */
const STEP = 200;

export interface SweepParts {
  readonly store: Store;
  readonly committer: Committer;
  readonly values: Values;
  readonly now: () => number;
}

/** Removes values whose time has come, in small steps. LOG_FULL, LOG_UNAVAILABLE. */
export async function sweepValues(
  { store, committer, values, now }: SweepParts,
  signal: AbortSignal | undefined,
): Promise<void> {
  let step = STEP;
  let start: Buffer = Buffer.from([0]);
  for (;;) {
    if (signal?.aborted === true) return;
    const { batch } = committer;
    const before = now();
    let read = 0;
    let next = start;
    for (const key of store.valueExpiries.getKeys({ start, limit: step })) {
      const { at, expiresAt } = expiryOf(key);
      if (expiresAt > before) break;
      read += 1;
      next = behind(key);
      values.removeOver(batch, at);
    }
    try {
      await batch.done;
    } catch (error) {
      const full = error instanceof NexusError && error.code === "LOG_FULL";
      if (!full || step === 1) throw error;
      // Removing takes pages too: on a full disk fewer may go where many do not.
      step = Math.ceil(step / 10);
      continue;
    }
    if (read < step) return;
    start = next;
  }
}
