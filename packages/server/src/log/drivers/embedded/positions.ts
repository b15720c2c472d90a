import type { Run } from "../../merge.ts";
import type { Batch } from "./committer.ts";
import { MARK, namedPositionKey, positionOf } from "./keys.ts";
import type { Table } from "./store.ts";

// More of them would make a value that no page has room for.
const MOST_IN_RUN = 256;
const OFFSET_BYTES = 4;

/**
 * Positions under the number of a name. What a batch brings for a name lies in one entry, a run: under
 * the last position, by how much each of the others is before it. So an event costs a part of an entry
 * where many come together; runs of one name never overlap. A position may still be in its run when its
 * event is gone: whoever reads the event sees that.
 */
export class PositionIndex {
  readonly #table: Table;
  #batch: Batch | undefined;
  #added = new Map<number, number[]>();

  constructor(table: Table) {
    this.#table = table;
  }

  /** Adds a position, higher than all before, with this batch. */
  add(batch: Batch, name: number, position: number): void {
    if (batch !== this.#batch) {
      this.#batch = batch;
      this.#added = new Map();
    }
    const added = this.#added.get(name);
    if (added === undefined) this.#added.set(name, [position]);
    else added.push(position);
  }

  /** Puts what was added into the batch; it takes no more. */
  prepare(batch: Batch): void {
    if (batch !== this.#batch) return;
    for (const [name, positions] of this.#added) {
      for (let at = 0; at < positions.length; at += MOST_IN_RUN) {
        this.#put(batch, name, positions.slice(at, at + MOST_IN_RUN));
      }
    }
    this.#batch = undefined;
  }

  /**
   * Takes a position out, if it is the last of its run; `isKept` tells which of the others must stay. Of
   * several with one batch the lowest first.
   */
  remove(batch: Batch, name: number, position: number, isKept: (other: number) => boolean): void {
    const key = namedPositionKey(name, position);
    const value = this.#table.get(key);
    if (value === undefined) return;
    batch.remove(this.#table, key);
    const kept = decodeRun(position, value).filter((one) => one !== position && isKept(one));
    if (kept.length > 0) this.#put(batch, name, kept);
  }

  /** Positions in (after, tail], rising. */
  rising(name: number, bounds: { after: number; tail: number; limit: number }): Run<number> {
    const { after, tail, limit } = bounds;
    const start = namedPositionKey(name, after + 1);
    const end = namedPositionKey(name + 1, 0);
    const values: number[] = [];
    for (const { key, value } of this.#table.getRange({ start, end, limit })) {
      for (const position of decodeRun(positionOf(key, 4), value)) {
        if (position > tail) return { values, full: false };
        if (position > after) values.push(position);
        if (values.length === limit) return { values, full: true };
      }
    }
    return { values, full: false };
  }

  /** Positions in [from, before), falling. */
  falling(name: number, bounds: { from: number; before: number; limit: number }): Run<number> {
    const { from, before, limit } = bounds;
    const values: number[] = [];
    if (before <= from) return { values, full: false };
    for (const run of this.#runsFrom(name, bounds)) {
      for (const position of run.toReversed()) {
        if (position < from) return { values, full: false };
        if (position < before) values.push(position);
        if (values.length === limit) return { values, full: true };
      }
    }
    return { values, full: false };
  }

  has(name: number, position: number): boolean {
    return this.#runAt(name, position)?.includes(position) ?? false;
  }

  /** The run that holds what is next before `before`, then those before it. */
  *#runsFrom(name: number, bounds: { from: number; before: number; limit: number }) {
    const { from, before, limit } = bounds;
    const across = this.#runAt(name, before);
    if (across !== undefined) yield across;
    const start = namedPositionKey(name, before - 1);
    const end = namedPositionKey(name, from - 1);
    for (const { key, value } of this.#table.getRange({ start, end, reverse: true, limit })) {
      yield decodeRun(positionOf(key, 4), value);
    }
  }

  /** The run that holds this position, or would. */
  #runAt(name: number, position: number): readonly number[] | undefined {
    const start = namedPositionKey(name, position);
    const end = namedPositionKey(name + 1, 0);
    for (const { key, value } of this.#table.getRange({ start, end, limit: 1 })) {
      return decodeRun(positionOf(key, 4), value);
    }
    return undefined;
  }

  #put(batch: Batch, name: number, positions: readonly number[]): void {
    batch.put(this.#table, namedPositionKey(name, positions.at(-1)!), encodeRun(positions));
  }
}

function encodeRun(positions: readonly number[]): Buffer {
  if (positions.length === 1) return MARK;
  const last = positions.at(-1)!;
  const value = Buffer.allocUnsafe((positions.length - 1) * OFFSET_BYTES);
  for (let i = 0; i < positions.length - 1; i += 1) {
    value.writeUInt32BE(last - positions[i]!, i * OFFSET_BYTES);
  }
  return value;
}

/** Rising. Of an entry of format 1, which has a position of its own for each event, that one. */
function decodeRun(last: number, value: Buffer): number[] {
  const positions: number[] = [];
  for (let at = 0; at + OFFSET_BYTES <= value.length; at += OFFSET_BYTES) {
    positions.push(last - value.readUInt32BE(at));
  }
  positions.push(last);
  return positions;
}
