const LONGEST_MS = 2 ** 30;
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Holds the thread until the monotonic clock shows `dueNs`. */
export function blockUntil(dueNs: bigint): void {
  for (;;) {
    const leftMs = msUntil(dueNs);
    if (leftMs <= 0) return;
    Atomics.wait(cell, 0, 0, Math.min(leftMs, LONGEST_MS));
  }
}

/** Resolves when the monotonic clock shows `dueNs`; the thread goes on meanwhile. */
export async function until(dueNs: bigint): Promise<void> {
  for (;;) {
    const leftMs = msUntil(dueNs);
    if (leftMs <= 0) return;
    // A timer may fire a little early, hence the loop.
    await new Promise((resolve) => setTimeout(resolve, Math.min(Math.ceil(leftMs), LONGEST_MS)));
  }
}

function msUntil(dueNs: bigint): number {
  return Number(dueNs - process.hrtime.bigint()) / 1e6;
}
