import {
  type Invocation,
  INVOCATION_STATUSES,
  type InvocationStatus,
} from "../../../core/invocation.ts";
import { decodeCursor, encodeCursor } from "../../cursor.ts";
import type { InvocationFilter, Page, PageRequest } from "../../log.ts";
import { mergeRuns, type Run } from "../../merge.ts";
import { type Catalogue, FUNCTION } from "./catalogue.ts";
import type { Batch } from "./committer.ts";
import {
  afterPrefix,
  idKey,
  MARK,
  nameBytes,
  namedIdKey,
  positionIdKey,
  positionKey,
  positionOf,
} from "./keys.ts";
import type { Store, Table } from "./store.ts";

// A record's value: function (4 bytes), status (1), position (6), then the record as JSON. What is in
// front is what filters and retention ask for; they need not parse the rest. Where there is a recording,
// the status has one bit more, and the recording's length (4 bytes) stands before the JSON.
const HEAD = 11;
const RECORDED = 0x80;
const RECORDED_HEAD = HEAD + 4;
// Entries one call looks at; a page that found little in so many is short and says where to go on.
const SCAN = 5_000;
const CHUNK = 250;

/** The records of every run, their recordings, and the indexes that lists need. */
export class Invocations {
  readonly #store: Store;
  readonly #catalogue: Catalogue;

  constructor(store: Store, catalogue: Catalogue) {
    this.#store = store;
    this.#catalogue = catalogue;
  }

  write(batch: Batch, invocation: Invocation, recording?: Uint8Array): void {
    const { id, position } = invocation;
    const name = this.#catalogue.assign(FUNCTION, invocation.function);
    const status = INVOCATION_STATUSES.indexOf(invocation.status);
    const json = JSON.stringify(invocation);
    const head = recording === undefined ? HEAD : RECORDED_HEAD;
    const value = Buffer.allocUnsafe(head + Buffer.byteLength(json));
    value.writeUInt32BE(name, 0);
    value[4] = status;
    value.writeUIntBE(position, 5, 6);
    value.write(json, head);
    const { invocations, invocationsByFunction, invocationsByStatus, invocationsByEvent } =
      this.#store;
    const key = idKey([], id);
    if (recording !== undefined) {
      value[4] |= RECORDED;
      value.writeUInt32BE(recording.length, HEAD);
      batch.put(this.#store.recordings, key, asBuffer(recording));
    }
    batch.put(invocations, key, value);
    batch.put(invocationsByFunction, namedIdKey(name, status, id), MARK);
    if (status !== SUCCEEDED) batch.put(invocationsByStatus, idKey([status], id), MARK);
    batch.put(invocationsByEvent, positionIdKey(position, id), MARK);
    batch.delta.invocations += 1;
    batch.delta.invocationBytes += bytesOf(value);
    batch.invocations.push(invocation);
  }

  has(id: string): boolean {
    return this.#store.invocations.doesExist(idKey([], id));
  }

  get(id: string): Invocation | undefined {
    const value = id === "" ? undefined : this.#store.invocations.get(idKey([], id.slice(0, 100)));
    return value === undefined ? undefined : decodeRecord(value);
  }

  recording(id: string): Uint8Array | undefined {
    return id === "" ? undefined : this.#store.recordings.get(idKey([], id.slice(0, 100)));
  }

  ofEvent(position: number): Invocation[] {
    const prefix = positionKey(position);
    const range = { start: prefix, end: positionKey(position + 1) };
    const found: Invocation[] = [];
    for (const key of this.#store.invocationsByEvent.getKeys(range)) {
      const invocation = this.get(key.toString("utf8", prefix.length));
      if (invocation !== undefined) found.push(invocation);
    }
    return found;
  }

  async list(filter: InvocationFilter, { limit, cursor }: PageRequest): Promise<Page<Invocation>> {
    const mark = [filter.function, filter.status];
    let before = cursor === undefined ? undefined : decodeCursor("invocations", mark, cursor);
    const since = filter.since ?? 0;
    const oldest = timePrefix(since);
    const indexes = this.#indexes(filter);
    const items: Invocation[] = [];
    if (indexes === undefined) return { items };
    for (let scanned = 0; scanned < SCAN; scanned += CHUNK) {
      const runs = indexes.map(({ table, prefix }) => runBefore(table, prefix, before));
      const { values, full } = mergeRuns(runs, true);
      for (const id of values) {
        if (id < oldest) return { items };
        const invocation = this.get(id);
        const fits =
          invocation !== undefined &&
          (filter.status === undefined || invocation.status === filter.status) &&
          Date.parse(invocation.started_at) >= since;
        if (fits && items.length === limit) {
          return { items, nextCursor: encodeCursor("invocations", mark, before!) };
        }
        before = id;
        if (fits) items.push(invocation);
      }
      if (!full) return { items };
      await new Promise(setImmediate);
    }
    return { items, nextCursor: encodeCursor("invocations", mark, before!) };
  }

  /** Removes a record with its recording and everything that leads to it. */
  remove(batch: Batch, key: Buffer, value: Buffer): void {
    const id = key.toString("utf8");
    const name = value.readUInt32BE(0);
    const status = value[4]! & ~RECORDED;
    const { invocations, invocationsByFunction, invocationsByStatus, invocationsByEvent } =
      this.#store;
    batch.remove(invocations, key);
    if (isRecorded(value)) batch.remove(this.#store.recordings, key);
    batch.remove(invocationsByFunction, namedIdKey(name, status, id));
    if (status !== SUCCEEDED) batch.remove(invocationsByStatus, idKey([status], id));
    batch.remove(invocationsByEvent, positionIdKey(positionOf(value, 5), id));
    batch.delta.invocations -= 1;
    batch.delta.invocationBytes -= bytesOf(value);
  }

  /** The key ranges whose ids, merged, are the answer; undefined if the answer is empty. */
  #indexes({ function: fn, status }: InvocationFilter): Index[] | undefined {
    const { invocations, invocationsByFunction, invocationsByStatus } = this.#store;
    const number = status === undefined ? undefined : INVOCATION_STATUSES.indexOf(status);
    if (fn !== undefined) {
      const name = this.#catalogue.find(FUNCTION, fn);
      if (name === undefined) return undefined;
      const statuses = number === undefined ? INVOCATION_STATUSES.keys() : [number];
      return [...statuses].map((each) => ({
        table: invocationsByFunction,
        prefix: [...nameBytes(name), each],
      }));
    }
    // Nearly all succeed: they have no index of their own, the few others are skipped.
    if (number === undefined || number === SUCCEEDED) return [{ table: invocations, prefix: [] }];
    return [{ table: invocationsByStatus, prefix: [number] }];
  }
}

interface Index {
  readonly table: Table;
  readonly prefix: readonly number[];
}

const SUCCEEDED = INVOCATION_STATUSES.indexOf("succeeded" satisfies InvocationStatus);

/** When the record's run began, by its id. */
export function startedAtOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

// Ids of one process may run ahead of the clock by some milliseconds (core/ids.ts).
function timePrefix(since: number): string {
  const hex = Math.max(0, Math.floor(since) - 1000)
    .toString(16)
    .padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

function runBefore(
  table: Table,
  prefix: readonly number[],
  before: string | undefined,
): Run<string> {
  const start = before === undefined ? afterPrefix(Buffer.from(prefix)) : idKey(prefix, before);
  const values: string[] = [];
  const keys = table.getKeys({
    ...(start === undefined ? {} : { start }),
    end: Buffer.from(prefix.length === 0 ? [0] : prefix),
    reverse: true,
    limit: CHUNK + 1,
  });
  for (const key of keys) {
    const id = key.toString("utf8", prefix.length);
    if (id !== before) values.push(id);
  }
  return { values, full: values.length >= CHUNK };
}

/** The record of an entry of the table. */
export function decodeRecord(value: Buffer): Invocation {
  return JSON.parse(value.toString("utf8", isRecorded(value) ? RECORDED_HEAD : HEAD)) as Invocation;
}

/** Whether the record of an entry has a recording. */
export function isRecorded(value: Buffer): boolean {
  return (value[4]! & RECORDED) !== 0;
}

/** What retention counts for an entry: the record and its recording. */
export function bytesOf(value: Buffer): number {
  return isRecorded(value) ? value.length + value.readUInt32BE(HEAD) : value.length;
}

/** The same bytes, not a copy. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
