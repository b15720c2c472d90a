import { setTimeout as delay } from "node:timers/promises";
import { NexusError } from "../../../core/errors.ts";
import type { StoredEvent } from "../../../core/event.ts";
import { typeMatches } from "../../../core/pattern.ts";
import { Deque } from "../../deque.ts";
import type { ConsumerLag, Delivery, Settlement, Subscription } from "../../log.ts";
import { Waker } from "../../waker.ts";
import type { Claims } from "./claims.ts";
import { type Flight, Flights, drop, giveBackFor } from "./flights.ts";
import type { RetryKind } from "./layout.ts";
import { type Lease, takeLease } from "./lease.ts";
import { Order, type Outstanding } from "./order.ts";
import { ensureConsumer } from "./place.ts";
import { Pull, type Pulled } from "./pull.ts";
import { Recent, recentlyEnded } from "./recent.ts";
import { keptRetries, retryRowOf, type RetryRow } from "./retries.ts";
import { keepSettled } from "./settle.ts";
import type { NatsStore } from "./store.ts";
import { Tasks } from "./tasks.ts";
import { claimedBy, decodeAgain, decodeEvent, settledElsewhere } from "./wire.ts";

/** Messages of an ordered function that are out, or wait for their key or their next attempt. */
export const MAX_OUTSTANDING = 2048;
const AGAIN_MS = 1000;
/** Ended deliveries; a server writes down what was acknowledged a tenth of a second later. */
const MAX_REMEMBERED = 4096;

export interface ConsumerContext {
  readonly store: NatsStore;
  readonly claims: Claims;
  readonly now: () => number;
  readonly ackWaitMs: number;
  readonly leaseMs: number;
}

/**
 * One function's deliveries in this process. The function's place in the log is a durable consumer of
 * JetStream, which all processes share: it never has more than `concurrency` deliveries out in the whole
 * cluster. With an order key one process at a time has all of them, and lets keys through one by one.
 */
export class NatsConsumer {
  readonly name: string;
  readonly #context: ConsumerContext;
  readonly #flights: Flights;
  readonly #ready = new Deque<Flight>();
  readonly #waker = new Waker();
  /** Rows of deliveries that another process left waiting for their next attempt, by position. */
  #kept = new Map<number, RetryRow>();
  /** When deliveries that were given back for another attempt are due, by position. */
  readonly #retrying = new Map<number, number>();
  /** Settlements for another attempt, by position: that one may be here before they are done. */
  readonly #ending = new Map<number, Promise<void>>();
  readonly #tasks = new Tasks();
  /** A server that is killed forgets the last acknowledgements, and hands their messages out once more. */
  readonly #ended = new Recent(MAX_REMEMBERED);
  #subscription: Subscription | undefined;
  readonly #settling = new Tasks();
  #stopping: Promise<void> | undefined;
  #lease: Lease | undefined;
  #order: Order | undefined;
  #pull: Pull | undefined;
  #running = 0;
  #pending = 0;

  constructor(name: string, context: ConsumerContext) {
    this.name = name;
    this.#context = context;
    this.#flights = new Flights(context.store.channel);
  }

  /** Makes the function's place where the log has none yet, or changes it. LOG_UNAVAILABLE. */
  async place(subscription: Subscription): Promise<void> {
    const { store, ackWaitMs } = this.#context;
    const maxOut = subscription.orderKey === undefined ? subscription.concurrency : MAX_OUTSTANDING;
    await ensureConsumer(store, this.name, { subscription, ackWaitMs, maxOut });
  }

  wake(): void {
    this.#waker.wake();
  }

  /** Deliveries as they come, until `signal` aborts. The place is there already. */
  async *deliveries(subscription: Subscription, signal: AbortSignal): AsyncGenerator<Delivery> {
    while (!signal.aborted) {
      if (subscription.orderKey === undefined) {
        yield* this.#served(subscription, signal);
        continue;
      }
      const { store, leaseMs, claims } = this.#context;
      const lease = await takeLease(store, this.name, { leaseMs, holder: claims.id, signal });
      if (lease === undefined) return;
      this.#lease = lease;
      const wake = (): void => this.wake();
      lease.lost.addEventListener("abort", wake);
      try {
        yield* this.#served(subscription, AbortSignal.any([signal, lease.lost]));
      } finally {
        await lease.release();
      }
    }
  }

  async settle(delivery: Delivery, settlement: Settlement): Promise<void> {
    const flight = this.#flights.toSettle(delivery);
    const settled = this.#settle(flight, delivery, settlement);
    this.#settling.start(settled.catch(heardElsewhere));
    if (settlement.next.state !== "retry") return settled;
    const { position } = flight.stored;
    const ended = settled.catch(heardElsewhere).then(() => void this.#ending.delete(position));
    this.#ending.set(position, ended);
    return settled;
  }

  async #settle(flight: Flight, delivery: Delivery, settlement: Settlement): Promise<void> {
    const row = retryRowOf(delivery, settlement);
    const kind: RetryKind = flight.key === undefined ? "free" : "kept";
    const retry = row === undefined ? undefined : { kind, row };
    flight.state = "settling";
    this.#running -= 1;
    this.wake();
    if (retry !== undefined) this.#retrying.set(retry.row.position, retry.row.dueAt);
    const { store, now } = this.#context;
    try {
      const hasRow = flight.again || flight.attempt > 1;
      await keepSettled(store, { delivery, settlement, hasRow, now, ...(retry && { retry }) });
      if (retry?.kind !== "kept") await store.channel.acknowledge(flight.reply);
    } catch (error) {
      flight.state = "out";
      this.#running += 1;
      throw error;
    }
    if (retry?.kind === "kept") this.#keep(flight, retry.row);
    else await this.#end(flight);
  }

  /** It waits here for its next attempt, and its key with it. */
  #keep(flight: Flight, row: RetryRow): void {
    if (this.#order === undefined) {
      this.#flights.giveBack((each) => each === flight); // whoever has the function now knows the row
    } else {
      flight.attempt = row.attempt;
      this.#hold(flight, row.dueAt);
    }
  }

  async #end(flight: Flight): Promise<void> {
    this.#flights.remove(flight);
    this.#ended.add(flight.sequence);
    const next = this.#order?.left(flight);
    if (next !== undefined) this.#release(next);
    this.#pull?.more();
    if (flight.again) await this.#context.store.removeAgain(flight.sequence);
  }

  stillWorking(): void {
    this.#flights.stillWorking();
  }

  reconnected(): void {
    this.#pull?.restart();
  }

  /** Stops, wherever its iteration is, and gives everything back that is not settled: the log closes. */
  async close(): Promise<void> {
    await this.#stop();
    await this.#settling.ended();
    this.#flights.giveBack(() => true);
    await this.#lease?.release();
  }

  lag(): ConsumerLag {
    const now = this.#context.now();
    let oldest = now;
    for (const { stored } of this.#flights.all()) oldest = Math.min(oldest, stored.acceptedAt);
    // Some come again to another process; then their time says that they are none of ours any more.
    for (const [position, dueAt] of this.#retrying) {
      if (dueAt + AGAIN_MS < now) this.#retrying.delete(position);
    }
    return {
      name: this.name,
      waiting: this.#pending + this.#ready.length + (this.#order?.waiting ?? 0),
      running: this.#running,
      retrying: this.#retrying.size,
      oldestMs: Math.max(0, now - oldest),
    };
  }

  /** Asks how many messages wait in the store: it says so with each delivery, but without one it does not. */
  async look(): Promise<void> {
    if (this.#pull === undefined) return;
    const { num_pending } = await this.#context.store.placeOf(this.name);
    this.#pending = num_pending;
  }

  async *#served(subscription: Subscription, signal: AbortSignal): AsyncGenerator<Delivery> {
    try {
      await this.#start(subscription);
      while (!signal.aborted) {
        const flight = this.#running < subscription.concurrency ? this.#ready.shift() : undefined;
        if (flight === undefined) {
          await this.#waker.wait();
          continue;
        }
        flight.state = "out";
        this.#running += 1;
        yield this.#flights.handOut(flight, this.name);
      }
    } finally {
      await this.#stop();
    }
  }

  async #start(subscription: Subscription): Promise<void> {
    const { store } = this.#context;
    this.#kept = await keptRetries(store, this.name);
    this.#subscription = subscription;
    if (subscription.orderKey !== undefined) {
      for (const position of await recentlyEnded(store, this.name)) this.#ended.add(position);
      this.#order = new Order(subscription.orderKey, {
        release: (flight) => this.#release(flight),
        look: () => this.#outstanding(),
      });
      for (const flight of this.#flights.all()) this.#order.occupy(flight);
      await this.#order.takeOver();
    }
    this.#pull = new Pull(store.channel, {
      stream: store.layout.events,
      consumer: store.layout.consumer(this.name),
      room: () => this.#room(subscription),
      onMessage: (pulled) => this.#take(pulled),
      onMissing: () => void this.#repair(subscription), // rejects for nothing but a bug
      // Its requests must be gone before another process has the lease, or that one's messages go to them.
      ...(subscription.orderKey === undefined ? {} : { expiresMs: this.#context.leaseMs / 2 }),
    });
    this.#pull.more();
  }

  /** Safe to call twice. */
  #stop(): Promise<void> {
    this.#stopping ??= this.#giveBackWaiting().finally(() => (this.#stopping = undefined));
    return this.#stopping;
  }

  async #giveBackWaiting(): Promise<void> {
    if (this.#pull !== undefined) {
      await this.#pull.stop();
      await this.#tasks.ended();
      const { store } = this.#context;
      await store.forgetRequests(store.layout.events, store.layout.consumer(this.name));
    }
    this.#pull = undefined;
    this.#order?.stop();
    this.#order = undefined;
    this.#subscription = undefined;
    this.#ready.clear();
    this.#flights.giveBack(({ state }) => state === "held" || state === "ready");
  }

  async #outstanding(): Promise<Outstanding> {
    const { num_ack_pending: all, delivered } = await this.#context.store.placeOf(this.name);
    const { consumer_seq: handedOut, stream_seq: newest } = delivered;
    return { pending: all - this.#flights.countOf(handedOut), handedOut, newest };
  }

  #room({ concurrency, orderKey }: Subscription): number {
    if (orderKey !== undefined) return MAX_OUTSTANDING - this.#flights.size;
    return concurrency - this.#running - this.#ready.length - this.#tasks.size;
  }

  #take(pulled: Pulled): void {
    const { message, sequence, reply, storedAt } = pulled;
    this.#pending = pulled.pending;
    this.#order?.heard(pulled.handedOut);
    const known = this.#flights.get(sequence);
    if (known !== undefined) {
      known.reply = reply; // handed out once more, as if this process had been away
      known.handedOut = pulled.handedOut;
      return;
    }
    if (this.#ended.has(sequence)) {
      this.#drop(pulled);
      return;
    }
    const again = decodeAgain(message);
    if (again !== undefined && this.#context.store.layout.isFor(this.name, message.subject)) {
      this.#tasks.start(this.#takeAgain(pulled, again));
      return;
    }
    const stored = decodeEvent(message, { position: sequence, acceptedAt: storedAt });
    if (stored === undefined || !this.#wants(stored) || settledElsewhere(message, this.name)) {
      this.#drop(pulled);
      return;
    }
    const claimer = claimedBy(message);
    if (claimer === undefined) this.#admit(pulled, stored, { attempt: 1, again: false });
    else this.#tasks.start(this.#takeClaimed(pulled, stored, claimer));
  }

  /** Nobody here has to do anything with it. */
  #drop({ sequence, reply }: Pulled): void {
    drop(this.#context.store.channel, reply);
    this.#order?.seen(sequence);
  }

  #wants({ event, meta }: StoredEvent): boolean {
    if (meta.target !== undefined) return meta.target === this.name;
    return this.#subscription!.patterns.some((pattern) => typeMatches(pattern, event.type));
  }

  async #takeAgain(
    pulled: Pulled,
    { position, attempt }: { position: number; attempt: number },
  ): Promise<void> {
    const { store } = this.#context;
    await this.#ending.get(position);
    this.#retrying.delete(position);
    let stored: StoredEvent | undefined;
    try {
      stored = await store.eventAt(position);
    } catch (error) {
      if (!(error instanceof NexusError)) throw error;
      giveBackFor(store.channel, pulled.reply, AGAIN_MS);
      return;
    }
    if (stored === undefined) {
      this.#drop(pulled); // retention leaves what is needed: somebody removed it by hand
    } else if (this.#subscription === undefined) {
      giveBackFor(store.channel, pulled.reply, 1);
    } else {
      this.#admit(pulled, stored, { attempt, again: true });
    }
  }

  async #takeClaimed(pulled: Pulled, stored: StoredEvent, claimer: string): Promise<void> {
    const { store, claims } = this.#context;
    const recorded = () => store.hasRecord(this.name, stored.position);
    const state = await claims.arrived(pulled, claimer, recorded);
    if (state === "ours") this.#order?.seen(pulled.sequence);
    else if (state === "settled") this.#drop(pulled);
    else if (state === "running" || (state === "lost" && this.#subscription === undefined)) {
      giveBackFor(store.channel, pulled.reply, AGAIN_MS);
    } else if (state === "lost") {
      this.#admit(pulled, stored, { attempt: 1, again: false });
    }
    this.#pull?.more();
  }

  #admit(
    { sequence, reply, handedOut }: Pulled,
    stored: StoredEvent,
    { attempt, again }: { attempt: number; again: boolean },
  ): void {
    const row = this.#kept.get(stored.position);
    const flight: Flight = {
      sequence,
      stored,
      again,
      handedOut,
      reply,
      attempt: row?.attempt ?? attempt,
      state: "held",
      key: undefined,
      timer: undefined,
    };
    this.#flights.add(flight);
    if (this.#order === undefined) this.#release(flight);
    else this.#order.enter(flight);
  }

  /** Its key is free: it is handed out as soon as it is due. */
  #release(flight: Flight): void {
    const { position } = flight.stored;
    const row = this.#kept.get(position);
    this.#kept.delete(position);
    this.#hold(flight, row?.dueAt ?? 0);
  }

  #hold(flight: Flight, dueAt: number): void {
    flight.state = "held";
    const wait = dueAt - this.#context.now();
    if (wait > 0) {
      flight.timer = setTimeout(() => this.#hold(flight, dueAt), Math.min(wait, MAX_TIMER_MS));
      return;
    }
    this.#retrying.delete(flight.stored.position);
    flight.state = "ready";
    this.#ready.push(flight);
    this.wake();
  }

  /** JetStream does not know the function's place any more: somebody removed it. It is made again. */
  async #repair(subscription: Subscription): Promise<void> {
    await delay(AGAIN_MS);
    if (this.#subscription !== subscription) return;
    await this.place(subscription).catch(nothingNow);
    this.#pull?.restart();
  }
}

const MAX_TIMER_MS = 60_000;

/** Whoever settles hears of it. */
function heardElsewhere(): void {}

/** NATS is away: tried again when it says once more that the place is missing. */
function nothingNow(error: unknown): void {
  if (!(error instanceof NexusError)) throw error;
}
