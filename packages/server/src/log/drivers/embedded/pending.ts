import type { Batch } from "./committer.ts";
import { dueKey, MARK, namedPositionKey, positionKey, positionOf } from "./keys.ts";
import type { Store } from "./store.ts";

/** A delivery that waits for its next attempt. */
export interface PendingRow {
  readonly position: number;
  /** The attempt it waits for. */
  readonly attempt: number;
  readonly dueAt: number;
  readonly acceptedAt: number;
  /** Later deliveries of its order key wait for it. */
  readonly holdsKey?: boolean;
}

/** Why retention must leave an event alone. */
export const HOLD_PENDING = 0;
export const HOLD_DEAD = 1;

export function holdKey(position: number, name: number, reason: number): Buffer {
  const key = Buffer.allocUnsafe(11);
  positionKey(position).copy(key);
  key.writeUInt32BE(name, 6);
  key[10] = reason;
  return key;
}

/** The deliveries that wait to be tried again, in order of when they are due. */
export class Pending {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  put(batch: Batch, name: number, row: PendingRow): void {
    this.remove(batch, name, row.position);
    const { pending, due, holds } = this.#store;
    const fields = [row.attempt, row.dueAt, row.acceptedAt, ...(row.holdsKey === true ? [1] : [])];
    const value = Buffer.from(JSON.stringify(fields));
    batch.put(pending, namedPositionKey(name, row.position), value);
    batch.put(due, dueKey(name, row.dueAt, row.position), MARK);
    batch.put(holds, holdKey(row.position, name, HOLD_PENDING), MARK);
  }

  /** Nothing happens if there is none. */
  remove(batch: Batch, name: number, position: number): void {
    const row = this.get(name, position);
    if (row === undefined) return;
    const { pending, due, holds } = this.#store;
    batch.remove(pending, namedPositionKey(name, position));
    batch.remove(due, dueKey(name, row.dueAt, position));
    batch.remove(holds, holdKey(position, name, HOLD_PENDING));
  }

  get(name: number, position: number): PendingRow | undefined {
    const value = this.#store.pending.get(namedPositionKey(name, position));
    return value === undefined ? undefined : decodeRow(position, value);
  }

  count(name: number): number {
    const range = { start: namedPositionKey(name, 0), end: namedPositionKey(name + 1, 0) };
    return this.#store.pending.getKeysCount(range);
  }

  /** In order of position. */
  *all(name: number): Generator<PendingRow> {
    const range = { start: namedPositionKey(name, 0), end: namedPositionKey(name + 1, 0) };
    for (const { key, value } of this.#store.pending.getRange(range)) {
      yield decodeRow(positionOf(key, 4), value);
    }
  }

  /** The position and due time of each, the first due first. */
  *byDue(name: number): Generator<{ position: number; dueAt: number }> {
    const range = { start: dueKey(name, 0, 0), end: dueKey(name + 1, 0, 0) };
    for (const key of this.#store.due.getKeys(range)) {
      yield { dueAt: positionOf(key, 4), position: positionOf(key, 10) };
    }
  }
}

/** The row of an entry of the table. */
export function decodeRow(position: number, value: Buffer): PendingRow {
  const [attempt, dueAt, acceptedAt, holdsKey] = JSON.parse(value.toString("latin1")) as [
    number,
    number,
    number,
    1?,
  ];
  const row = { position, attempt, dueAt, acceptedAt };
  return holdsKey === undefined ? row : { ...row, holdsKey: true };
}
