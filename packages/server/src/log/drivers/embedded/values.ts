import {
  MOST_PAGE_BYTES,
  MOST_VALUE_BYTES,
  type SetOptions,
  type StateEntry,
  type StatePage,
  type StateQuery,
  type StateRevision,
} from "../../state.ts";
import type { KeptValue } from "../../transfer.ts";
import { SlotMap } from "../../slot-map.ts";
import { checkKey, checkNamespace, checkText, checkValue } from "../../state-limits.ts";
import type { Batch } from "./committer.ts";
import { afterPrefix, behind, MARK } from "./keys.ts";
import type { Store } from "./store.ts";
import {
  decodeValue,
  encodeValue,
  expiryKey,
  isOver,
  keyOfValue,
  type ValuePlace,
  type ValueRow,
  valueKey,
} from "./value-rows.ts";

/** In the table `meta`: the last revision given out. */
export const REVISION_KEY = Buffer.from("revision");

/** Rows read in one turn of the event loop. */
const STEP = 200;

/**
 * The store of small values. One number for all keys gives revisions, so that those of a key rise though
 * nothing is left of it when it is deleted.
 *
 * What `expect` is compared with is the last write that was asked for: one that is still on its way to the
 * disk goes there before, or takes this one with it when it fails. An answer that rests on such a write
 * waits for it.
 */
export class Values {
  readonly maxValueBytes = MOST_VALUE_BYTES;
  readonly #store: Store;
  readonly #now: () => number;
  /** What is on its way to the disk. */
  readonly #pending = new SlotMap<Pending, string>();
  #revision: number;
  #keptRevision: number;

  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
    this.#revision = revisionIn(store.meta.get(REVISION_KEY));
    this.#keptRevision = this.#revision;
  }

  /** Makes the next revision come after this one, as of the next commit with a value. */
  moveRevision(revision: StateRevision): void {
    this.#revision = Math.max(revision, this.#revision);
  }

  get(namespace: string, key: string): StateEntry | undefined {
    checkKey(namespace, key);
    const row = this.#kept(valueKey(namespace, key));
    return row === undefined || isOver(row, this.#now()) ? undefined : entryOf(key, row);
  }

  async set(
    batch: Batch,
    at: ValuePlace,
    value: Uint8Array,
    { expect, expiresAt }: SetOptions = {},
  ): Promise<StateRevision | undefined> {
    const { namespace, key } = at;
    checkKey(namespace, key);
    checkValue(key, value, this.maxValueBytes);
    const { row, onItsWay } = this.#last(namespace, key);
    if (!isMet(expect, row, this.#now())) {
      await onItsWay?.done;
      return undefined;
    }
    const revision = (this.#revision += 1);
    this.#write(batch, at, { before: row, after: { value, revision, expiresAt } });
    await batch.done;
    return revision;
  }

  async delete(
    batch: Batch,
    at: ValuePlace,
    { expect }: { readonly expect?: StateRevision } = {},
  ): Promise<boolean> {
    checkKey(at.namespace, at.key);
    const { row, onItsWay } = this.#last(at.namespace, at.key);
    if (row === undefined || isOver(row, this.#now()) || !isMet(expect, row, this.#now())) {
      await onItsWay?.done;
      return false;
    }
    this.#write(batch, at, { before: row, after: undefined });
    await batch.done;
    return true;
  }

  /** Writes an entry of another log. */
  restore(batch: Batch, { namespace, key, value, expiresAt }: KeptValue): void {
    checkKey(namespace, key);
    checkValue(key, value, this.maxValueBytes);
    const { row } = this.#last(namespace, key);
    const revision = (this.#revision += 1);
    this.#write(batch, { namespace, key }, { before: row, after: { value, revision, expiresAt } });
  }

  async list(namespace: string, query: StateQuery): Promise<StatePage> {
    const { prefix = "", limit, after } = query;
    checkNamespace(namespace);
    checkText(prefix, "prefix");
    if (after !== undefined) checkKey(namespace, after);
    const first = valueKey(namespace, prefix);
    const end = afterPrefix(first)!;
    let start = after === undefined ? first : laterOf(first, behind(valueKey(namespace, after)));
    const items: StateEntry[] = [];
    let bytes = 0;
    for (;;) {
      let read = 0;
      for (const { key, value } of this.#store.values.getRange({ start, end, limit: STEP })) {
        read += 1;
        start = behind(key);
        const row = decodeValue(value);
        if (isOver(row, this.#now())) continue;
        if (items.length === limit || bytes >= MOST_PAGE_BYTES) return { items, more: true };
        items.push(entryOf(keyOfValue(key).key, row));
        bytes += row.value.length;
      }
      if (read < STEP) return { items, more: false };
      await new Promise(setImmediate);
    }
  }

  /** Adds to a batch what is written once for all of its values. */
  prepare(batch: Batch): void {
    const revision = this.#revision;
    if (revision === this.#keptRevision) return;
    batch.put(this.#store.meta, REVISION_KEY, encodeRevision(revision));
    batch.on(() => (this.#keptRevision = revision), undefined);
  }

  /** Removes an entry whose time has come; another stays. */
  removeOver(batch: Batch, at: ValuePlace): void {
    const { row } = this.#last(at.namespace, at.key);
    if (row === undefined || !isOver(row, this.#now())) return;
    this.#write(batch, at, { before: row, after: undefined });
  }

  #write(
    batch: Batch,
    at: ValuePlace,
    {
      before,
      after,
    }: { readonly before: ValueRow | undefined; readonly after?: ValueRow | undefined },
  ): void {
    const key = valueKey(at.namespace, at.key);
    const { values, valueExpiries } = this.#store;
    if (before?.expiresAt !== undefined) {
      batch.remove(valueExpiries, expiryKey(before.expiresAt, key));
    }
    const row = after === undefined ? undefined : encodeValue(after);
    if (row === undefined) batch.remove(values, key);
    else batch.put(values, key, row);
    if (after?.expiresAt !== undefined) {
      batch.put(valueExpiries, expiryKey(after.expiresAt, key), MARK);
    }
    const memo = key.toString("utf8");
    const pending: Pending = { row: row === undefined ? undefined : decodeValue(row), batch };
    this.#pending.set(memo, pending);
    const forget = (): void => {
      if (this.#pending.get(memo) === pending) this.#pending.delete(memo);
    };
    batch.on(forget, forget);
  }

  /** The last write of a key, and the batch with which it becomes durable; none: it is. */
  #last(
    namespace: string,
    key: string,
  ): { readonly row: ValueRow | undefined; readonly onItsWay?: Batch } {
    const name = valueKey(namespace, key);
    const pending = this.#pending.get(name.toString("utf8"));
    if (pending === undefined) return { row: this.#kept(name) };
    return { row: pending.row, onItsWay: pending.batch };
  }

  #kept(key: Buffer): ValueRow | undefined {
    const value = this.#store.values.get(key);
    return value === undefined ? undefined : decodeValue(value);
  }
}

interface Pending {
  /** Undefined: it is deleted. */
  readonly row: ValueRow | undefined;
  readonly batch: Batch;
}

export function revisionIn(value: Buffer | undefined): StateRevision {
  return value === undefined ? 0 : value.readDoubleLE(0);
}

function encodeRevision(revision: StateRevision): Buffer {
  const value = Buffer.allocUnsafe(8);
  value.writeDoubleLE(revision, 0);
  return value;
}

function isMet(expect: SetOptions["expect"], row: ValueRow | undefined, now: number): boolean {
  if (expect === undefined) return true;
  const there = row === undefined || isOver(row, now) ? "absent" : row.revision;
  return there === expect;
}

function entryOf(key: string, { value, revision, expiresAt }: ValueRow): StateEntry {
  return { key, value, revision, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

function laterOf(one: Buffer, other: Buffer): Buffer {
  return one.compare(other) < 0 ? other : one;
}
