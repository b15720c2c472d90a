/** How far a consumer has come, as it is kept. */
export interface CursorRow {
  /** Every matching event up to here is settled, but for the holes and what waits in `pending`. */
  readonly high: number;
  /** Positions up to `high` that are handed out or wait for their key: not settled. Ascending. */
  readonly holes: readonly number[];
}

/** The holes as differences: thousands of them lie close together. */
export function encodeCursorRow({ high, holes }: CursorRow): Buffer {
  let last = 0;
  const steps: number[] = [];
  for (const hole of holes) {
    steps.push(hole - last);
    last = hole;
  }
  return Buffer.from(JSON.stringify([high, steps]));
}

export function decodeCursorRow(bytes: Buffer): CursorRow {
  const [high, steps] = JSON.parse(bytes.toString("latin1")) as [number, number[]];
  let last = 0;
  const holes = steps.map((step) => (last += step));
  return { high, holes };
}
