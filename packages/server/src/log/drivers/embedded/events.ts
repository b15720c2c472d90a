import type { NewEvent, StoredEvent } from "../../../core/event.ts";
import type { Appended } from "../../log.ts";
import { type Catalogue, FUNCTION, SOURCE, TYPE } from "./catalogue.ts";
import { acceptedAtOf, decodeEvent, encodeEvent } from "./codec.ts";
import type { Batch } from "./committer.ts";
import { afterPrefix, identityKey, identityPrefix, positionKey, positionOf } from "./keys.ts";
import { PositionIndex } from "./positions.ts";
import type { Store } from "./store.ts";

/** What became of one event of a call. `batch`: with which it becomes durable; undefined if it is. */
export interface Written {
  readonly answer: Appended;
  readonly stored: StoredEvent | undefined;
  readonly batch: Batch | undefined;
}

/** The events and their indexes: identity, type, source and target. */
export class Events {
  readonly byType: PositionIndex;
  readonly bySource: PositionIndex;
  /** By the number of the function that an event is addressed to. */
  readonly byTarget: PositionIndex;
  readonly #store: Store;
  readonly #catalogue: Catalogue;
  readonly #now: () => number;
  /** Identities that are on their way to the disk, with their positions. Nothing larger: see SlotMap. */
  readonly #pending = new Map<string, number>();
  #next: number;
  #acceptedAt: number;

  constructor(
    store: Store,
    catalogue: Catalogue,
    options: { tail: number; acceptedAt: number; now: () => number },
  ) {
    this.byType = new PositionIndex(store.byType);
    this.bySource = new PositionIndex(store.bySource);
    this.byTarget = new PositionIndex(store.byTarget);
    this.#store = store;
    this.#catalogue = catalogue;
    this.#now = options.now;
    this.#next = options.tail + 1;
    this.#acceptedAt = options.acceptedAt;
  }

  /** Time of the newest event: never goes back, so that lists by time can search instead of scan. */
  get acceptedAt(): number {
    return this.#acceptedAt;
  }

  /** The last position given out. A failed commit does not give positions back. */
  get last(): number {
    return this.#next - 1;
  }

  write(batch: Batch, input: NewEvent): Written {
    const { event, meta } = input;
    const identity = identityKey(event.id, event.source);
    const memo = input.freshId === true ? undefined : memoOf(event);
    if (memo !== undefined) {
      const pending = this.#pending.get(memo);
      // Durable with this batch at the latest: batches go to the disk in order, and fail together.
      if (pending !== undefined) return duplicate(pending, batch);
      const known = this.#store.identities.get(identity);
      if (known !== undefined) return duplicate(positionOf(known), undefined);
    }
    const position = this.#next;
    this.#next += 1;
    this.#acceptedAt = Math.max(this.#now(), this.#acceptedAt);
    const stored: StoredEvent = Object.freeze({
      event,
      meta,
      position,
      acceptedAt: this.#acceptedAt,
    });
    this.#put(batch, stored);
    batch.put(this.#store.identities, identity, positionKey(position));
    if (memo !== undefined) {
      this.#pending.set(memo, position);
      const forget = (): void => void this.#pending.delete(memo);
      batch.on(forget, forget);
    }
    return { answer: { status: "accepted", position }, stored, batch };
  }

  /**
   * Writes an event of another log under its own position and time, later than all before. False: this
   * log has it. Of two with one identity (some drivers keep both) the first is the one to be found by it.
   */
  restore(batch: Batch, stored: StoredEvent): boolean {
    if (stored.position < this.#next) return false;
    const { id, source } = stored.event;
    this.#next = stored.position + 1;
    // A cluster's clock can go back with its leader; here it must not.
    this.#acceptedAt = Math.max(stored.acceptedAt, this.#acceptedAt);
    this.#put(batch, { ...stored, acceptedAt: this.#acceptedAt });
    const identity = identityKey(id, source);
    const memo = memoOf(stored.event);
    if (this.#pending.has(memo) || this.#store.identities.doesExist(identity)) return true;
    batch.put(this.#store.identities, identity, positionKey(stored.position));
    this.#pending.set(memo, stored.position);
    const forget = (): void => void this.#pending.delete(memo);
    batch.on(forget, forget);
    return true;
  }

  /** Adds to a batch what is written once for all of its events. */
  prepare(batch: Batch): void {
    for (const index of [this.byType, this.bySource, this.byTarget]) index.prepare(batch);
  }

  get(position: number): StoredEvent | undefined {
    const value = this.#store.events.get(positionKey(position));
    return value === undefined ? undefined : decodeEvent(position, value);
  }

  find(id: string, source?: string): StoredEvent | undefined {
    if (source !== undefined) {
      const position = this.#store.identities.get(identityKey(id, source));
      return position === undefined ? undefined : this.get(positionOf(position));
    }
    const start = identityPrefix(id);
    const end = afterPrefix(start)!;
    let newest = 0;
    for (const { value } of this.#store.identities.getRange({ start, end })) {
      newest = Math.max(newest, positionOf(value));
    }
    return newest === 0 ? undefined : this.get(newest);
  }

  /** The first position whose event was accepted at or after `time`; `last + 1` if there is none. */
  firstSince(time: number): number {
    let low = 1;
    let high = this.last + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = this.#firstFrom(middle);
      if (found === undefined || found.acceptedAt >= time) high = middle;
      else low = found.position + 1;
    }
    return low;
  }

  #put(batch: Batch, stored: StoredEvent): void {
    const { event, meta, position } = stored;
    const value = encodeEvent(stored, stored.acceptedAt);
    batch.put(this.#store.events, positionKey(position), value);
    this.byType.add(batch, this.#catalogue.assign(TYPE, event.type), position);
    this.bySource.add(batch, this.#catalogue.assign(SOURCE, event.source), position);
    if (meta.target !== undefined) {
      this.byTarget.add(batch, this.#catalogue.assign(FUNCTION, meta.target), position);
    }
    batch.delta.events += 1;
    batch.delta.eventBytes += value.length;
    batch.events.push(stored);
  }

  #firstFrom(position: number): { position: number; acceptedAt: number } | undefined {
    const start = positionKey(position);
    for (const { key, value } of this.#store.events.getRange({ start, limit: 1 })) {
      return { position: positionOf(key), acceptedAt: acceptedAtOf(value) };
    }
    return undefined;
  }

  /** Removes an event with everything that leads to it. */
  remove(batch: Batch, key: Buffer, value: Buffer): void {
    const position = positionOf(key);
    const { event, meta } = decodeEvent(position, value);
    const { events, identities } = this.#store;
    const number = (kind: 1 | 2 | 3, name: string): number => this.#catalogue.assign(kind, name);
    const isKept = (other: number): boolean =>
      !batch.removedPositions.has(other) && events.doesExist(positionKey(other));
    batch.removedPositions.add(position);
    batch.remove(events, key);
    batch.remove(identities, identityKey(event.id, event.source));
    this.byType.remove(batch, number(TYPE, event.type), position, isKept);
    this.bySource.remove(batch, number(SOURCE, event.source), position, isKept);
    if (meta.target !== undefined) {
      this.byTarget.remove(batch, number(FUNCTION, meta.target), position, isKept);
    }
    batch.delta.events -= 1;
    batch.delta.eventBytes -= value.length;
  }
}

function memoOf({ id, source }: NewEvent["event"]): string {
  return `${id.length}:${id}${source}`;
}

function duplicate(position: number, batch: Batch | undefined): Written {
  return { answer: { status: "duplicate", position }, stored: undefined, batch };
}
