import type { StoredEvent } from "../../../core/event.ts";
import { NexusError } from "../../../core/errors.ts";
import type { ConsumerLag, Delivery, Settlement, Subscription } from "../../log.ts";
import { SlotMap } from "../../slot-map.ts";
import { Waker } from "../../waker.ts";
import { acceptedAtOf } from "./codec.ts";
import type { Batch } from "./committer.ts";
import type { Events } from "./events.ts";
import { Intake } from "./intake.ts";
import { positionKey } from "./keys.ts";
import type { Pending } from "./pending.ts";
import { Place } from "./place.ts";
import type { Reader } from "./reader.ts";
import { type Item, Retries } from "./retries.ts";
import type { Store } from "./store.ts";
import { firstAttempt, Waiting } from "./waiting.ts";

/** Deliveries of an ordered consumer that are out, or wait for their key or their next attempt. */
export const MAX_OUTSTANDING = 4096;
// Settlements of one consumer that may be on their way to the disk.
const MAX_SETTLING = 1024;

/** What a consumer needs of the log around it. */
export interface ConsumerContext {
  readonly store: Store;
  readonly events: Events;
  readonly reader: Reader;
  readonly pending: Pending;
  readonly now: () => number;
  /** The newest durable position. */
  readonly tail: () => number;
  /** The consumer's place has to go along with the next commit. */
  readonly touch: (consumer: Consumer) => void;
}

interface Flight {
  readonly item: Item;
  readonly delivery: Delivery;
  /** Handed out by `claim`: its caller counts these, `concurrency` does not. */
  readonly claimed: boolean;
  settling: boolean;
}

/**
 * The place of one function in the log: what is to be handed out next, what is out, and how far
 * everything is settled. It lives as long as the log is open; iterations come and go.
 */
export class Consumer {
  readonly name: string;
  readonly number: number;
  readonly #context: ConsumerContext;
  readonly #intake: Intake;
  readonly #retries: Retries;
  readonly #flights = new SlotMap<Flight>();
  readonly #place: Place;
  readonly #waiting: Waiting;
  readonly #waker = new Waker();
  #subscription: Subscription | undefined;
  #placed: boolean;
  #running = 0;
  #settling = 0;

  constructor(name: string, number: number, context: ConsumerContext) {
    this.name = name;
    this.number = number;
    this.#context = context;
    const { store, tail, now, reader, pending } = context;
    this.#place = new Place(number, store);
    const { high: scanned = 0, holes = [] } = this.#place.atStart ?? {};
    this.#placed = this.#place.atStart !== undefined;
    this.#waiting = new Waiting(holes);
    const skip = (position: number): boolean =>
      this.#flights.has(position) || this.#place.isAhead(position);
    this.#intake = new Intake({ name, reader, scanned, tail, skip });
    this.#retries = new Retries(number, pending, { now, wake: () => this.#waker.wake() });
  }

  /** Whether the log knows it: one that only had a dead letter redriven has no place yet. */
  get placed(): boolean {
    return this.#placed;
  }

  /** Gives a consumer that is new to the log its place. */
  place(start: Subscription["start"]): void {
    if (this.#placed) return;
    this.#placed = true;
    if (start === "latest") this.#intake.scanned = this.#context.tail();
    this.#context.touch(this);
  }

  /** A matching event was committed. */
  offer(stored: StoredEvent): void {
    if (this.#intake.offer(stored)) this.#waker.wake();
  }

  wake(): void {
    this.#waker.wake();
  }

  /** Until something may have come. */
  sleep(): Promise<void> {
    return this.#waker.wait();
  }

  async start(subscription: Subscription): Promise<void> {
    this.#subscription = subscription;
    this.#retries.start();
    this.#waiting.start(subscription.orderKey);
    if (!this.#waiting.ordered) return;
    // What is out already and what waits for another attempt come before everything else of their keys.
    for (const [, { item, delivery, claimed }] of this.#flights.entries()) {
      if (!claimed) this.#waiting.occupy(item, delivery.stored);
    }
    // With attempt 1 it comes from a dead letter: its key did not wait for it, and does not now.
    const rows = [...this.#context.pending.all(this.number)].filter(
      ({ position, attempt }) => attempt > 1 && !this.#flights.has(position),
    );
    for (const [index, { position, attempt, dueAt }] of rows.entries()) {
      if (index % 500 === 499) await new Promise(setImmediate);
      const stored = this.#context.events.get(position);
      if (stored === undefined) continue;
      const item: Item = { position, attempt, row: true, key: undefined, admitted: true };
      this.#waiting.occupy(item, stored);
      this.#retries.hold(item, dueAt);
    }
  }

  /** Ends an iteration: what was not handed out goes back. */
  stop(): void {
    this.#subscription = undefined;
    this.#waiting.stop();
    this.#intake.stop();
    this.#retries.stop(this.#flights.keys());
  }

  /** The next delivery; undefined if none may be handed out now. `behind` tells whether to ask again. */
  take(): Delivery | undefined {
    const subscription = this.#subscription;
    if (subscription === undefined) return undefined;
    while (this.#running < subscription.concurrency && this.#settling < MAX_SETTLING) {
      const full = this.#outstanding >= MAX_OUTSTANDING;
      const candidate = this.#candidate(subscription, full);
      if (candidate === undefined) {
        this.#retries.sleep(full);
        return undefined;
      }
      const { item, stored } = candidate;
      if (stored === undefined) {
        this.#leave(item); // retention leaves what is needed: this does not happen to a sound store
      } else if (this.#waiting.admits(item, stored)) {
        this.#running += 1;
        return this.#handOut(item, stored, false);
      }
    }
    return undefined; // until a settlement makes room
  }

  /** Whether `take` may have something as soon as it is asked again. */
  get behind(): boolean {
    const subscription = this.#subscription;
    return (
      subscription !== undefined &&
      this.#intake.behind &&
      this.#running < subscription.concurrency &&
      this.#settling < MAX_SETTLING &&
      this.#outstanding < MAX_OUTSTANDING
    );
  }

  /** Hands out an event that is on its way to the disk with this batch. */
  claim(stored: StoredEvent, batch: Batch): Delivery {
    const { position } = stored;
    this.place("latest");
    const item = { position, attempt: 1, row: false, key: undefined, admitted: true };
    batch.on(undefined, () => this.#flights.delete(position));
    return this.#handOut(item, stored, true);
  }

  /** Moves a delivery on with this batch. Its place is free for the next one at once, its key when it is durable. */
  settle(delivery: Delivery, next: Settlement["next"], batch: Batch): void {
    const { position, acceptedAt } = delivery.stored;
    const flight = this.#flights.get(position);
    if (flight?.delivery !== delivery || flight.settling) {
      throw new NexusError(
        "INTERNAL",
        `Cannot settle delivery of event ${position} to "${this.name}": it is not handed out`,
      );
    }
    const { pending } = this.#context;
    if (next.state === "retry") {
      const attempt = delivery.attempt + 1;
      const holdsKey = this.#waiting.ordered && flight.item.key !== undefined;
      const row = { position, attempt, dueAt: next.at, acceptedAt, holdsKey };
      pending.put(batch, this.number, row);
    } else if (flight.item.row) {
      pending.remove(batch, this.number, position);
    }
    flight.settling = true;
    this.#count(flight, -1);
    this.#context.touch(this);
    batch.on(
      () => this.#settled(flight, next),
      () => {
        flight.settling = false;
        this.#count(flight, 1);
      },
    );
    this.#waker.wake();
  }

  /** A delivery was made due again from a dead letter. */
  redriven(position: number, dueAt: number): void {
    this.#retries.added(position, dueAt);
    this.#waker.wake();
  }

  /** Writes how far everything is settled, as it will be when the batch is durable. */
  writePlace(batch: Batch): void {
    const { high } = this.#intake;
    const { holes } = this.#waiting;
    const settled: number[] = [];
    for (const position of this.#flights.keys()) {
      const flight = this.#flights.get(position)!;
      if (flight.settling) settled.push(position);
      else if (!flight.item.row && position <= high) holes.push(position);
    }
    this.#place.write(batch, { high, holes: holes.sort((a, b) => a - b), settled });
  }

  lag(): ConsumerLag {
    const { events } = this.#context.store;
    let retrying = this.#retries.rows;
    let oldest = this.#intake.first?.position ?? Infinity;
    for (const [position, { item }] of this.#flights.entries()) {
      if (item.row) retrying -= 1;
      oldest = Math.min(oldest, position);
    }
    const { holes } = this.#waiting;
    oldest = Math.min(oldest, holes[0] ?? Infinity);
    if (this.#retries.rows > 0) {
      const [first] = this.#context.pending.all(this.number);
      oldest = Math.min(oldest, first?.position ?? Infinity);
    }
    const value = oldest === Infinity ? undefined : events.get(positionKey(oldest));
    return {
      name: this.name,
      waiting: this.#intake.waiting + holes.length,
      running: this.#flights.size,
      retrying,
      oldestMs: value === undefined ? 0 : Math.max(0, this.#context.now() - acceptedAtOf(value)),
    };
  }

  get active(): boolean {
    return this.#subscription !== undefined || this.#flights.size > 0;
  }

  awaits(position: number): boolean {
    return this.#subscription !== undefined && position > this.#intake.high;
  }

  *outstanding(): Generator<number> {
    yield* this.#flights.keys();
    yield* this.#waiting.holes;
  }

  #settled(flight: Flight, next: Settlement["next"]): void {
    const { item } = flight;
    const { position, key } = item;
    this.#flights.delete(position);
    this.#settling -= 1;
    if (item.row) this.#retries.removed(position);
    if (next.state === "retry") {
      const again: Item = { ...item, attempt: item.attempt + 1, row: true };
      const holdsKey = this.#waiting.ordered && key !== undefined;
      this.#retries.added(position, next.at, holdsKey ? again : undefined);
    } else {
      this.#leave(item);
    }
    this.#waker.wake();
  }

  #leave(item: Item): void {
    const next = this.#waiting.leave(item);
    if (next !== undefined) this.#retries.hold(next, 0);
  }

  #candidate(
    subscription: Subscription,
    full: boolean,
  ): { readonly item: Item; readonly stored: StoredEvent | undefined } | undefined {
    const item =
      this.#waiting.released() ??
      this.#retries.next(full) ??
      (full ? undefined : this.#waiting.hole());
    if (item !== undefined) return { item, stored: this.#context.events.get(item.position) };
    if (full) return undefined;
    const stored = this.#intake.next(subscription.patterns);
    return stored === undefined ? undefined : { item: firstAttempt(stored.position), stored };
  }

  #handOut(item: Item, stored: StoredEvent, claimed: boolean): Delivery {
    const delivery = Object.freeze({ name: this.name, stored, attempt: item.attempt });
    this.#flights.set(item.position, { item, delivery, claimed, settling: false });
    return delivery;
  }

  #count(flight: Flight, by: 1 | -1): void {
    if (!flight.claimed) this.#running += by;
    this.#settling -= by;
  }

  get #outstanding(): number {
    if (!this.#waiting.ordered) return 0;
    return this.#flights.size + this.#waiting.keyed + this.#retries.held;
  }
}
