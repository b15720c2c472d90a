/** Calls `work` so many times, `width` of them under way at any moment. */
export async function inFlight(
  width: number,
  count: number,
  work: () => Promise<void>,
): Promise<void> {
  let begun = 0;
  const caller = async () => {
    while (begun < count) {
      begun += 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: width }, caller));
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}
