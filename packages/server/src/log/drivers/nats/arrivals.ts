import { setTimeout as delay } from "node:timers/promises";
import { NexusError } from "../../../core/errors.ts";
import type { StoredEvent } from "../../../core/event.ts";
import { typeMatches } from "../../../core/pattern.ts";
import type { Subscription } from "../../log.ts";
import type { Claims } from "./claims.ts";
import { type Flight, type Flights, drop, giveBackFor } from "./flights.ts";
import { Order, type Outstanding } from "./order.ts";
import { ensureConsumer, MAX_OUTSTANDING } from "./place.ts";
import { Pull, type Pulled } from "./pull.ts";
import { Recent, recentlyEnded } from "./recent.ts";
import { keptRetries, type RetryRow } from "./retries.ts";
import type { NatsStore } from "./store.ts";
import { Tasks } from "./tasks.ts";
import { claimedBy, decodeAgain, decodeEvent, settledElsewhere } from "./wire.ts";

const AGAIN_MS = 1000;
/** Ended deliveries; a server writes down what was acknowledged a tenth of a second later. */
const MAX_REMEMBERED = 4096;

export interface ArrivalsContext {
  readonly store: NatsStore;
  readonly claims: Claims;
  readonly ackWaitMs: number;
  readonly leaseMs: number;
}

/** What is done elsewhere with what arrives. */
export interface ArrivalsParts {
  /** All that has arrived and is not settled. */
  readonly flights: Flights;
  /** How many deliveries run, or are ready to. */
  readonly busy: () => number;
  /** It may be handed out from `dueAt` on: milliseconds since the Unix epoch. */
  readonly onFree: (flight: Flight, dueAt: number) => void;
  /** The event at this position has come for another attempt; resolves when the last one's end is kept. */
  readonly attemptEnded: (position: number) => Promise<void>;
}

/**
 * What JetStream hands to this process for one function: takes from it what the function wants and nobody
 * else runs, and lets it through at once or, with an order key, one by one for each key.
 */
export class Arrivals {
  readonly #name: string;
  readonly #context: ArrivalsContext;
  readonly #parts: ArrivalsParts;
  /** Rows of deliveries that another process left waiting for their next attempt, by position. */
  #kept = new Map<number, RetryRow>();
  /** A server that is killed forgets the last acknowledgements, and hands their messages out once more. */
  readonly #ended = new Recent(MAX_REMEMBERED);
  readonly #tasks = new Tasks();
  #subscription: Subscription | undefined;
  #order: Order | undefined;
  #pull: Pull | undefined;
  #notHandedOut = 0;

  constructor(name: string, context: ArrivalsContext, parts: ArrivalsParts) {
    this.#name = name;
    this.#context = context;
    this.#parts = parts;
  }

  /** Whether keys are let through one by one just now. */
  get ordered(): boolean {
    return this.#order !== undefined;
  }

  /** Events that are in the store, as it said last, or here behind others. */
  get waiting(): number {
    return this.#notHandedOut + (this.#order?.waiting ?? 0);
  }

  /** Asks how many messages wait in the store: it says so with each delivery, but without one it does not. */
  async look(): Promise<void> {
    if (this.#pull === undefined) return;
    const { num_pending } = await this.#context.store.placeOf(this.#name);
    this.#notHandedOut = num_pending;
  }

  /** Begins to ask for messages. LOG_UNAVAILABLE. */
  async start(subscription: Subscription): Promise<void> {
    const { store } = this.#context;
    this.#kept = await keptRetries(store, this.#name);
    this.#subscription = subscription;
    if (subscription.orderKey !== undefined) {
      for (const position of await recentlyEnded(store, this.#name)) this.#ended.add(position);
      this.#order = new Order(subscription.orderKey, {
        release: (flight) => this.#letThrough(flight),
        look: () => this.#outstanding(),
      });
      for (const flight of this.#parts.flights.all()) this.#order.occupy(flight);
      await this.#order.takeOver();
    }
    this.#pull = new Pull(store.channel, {
      stream: store.layout.events,
      consumer: store.layout.consumer(this.#name),
      room: () => this.#room(subscription),
      onMessage: (pulled) => this.#take(pulled),
      onMissing: () => void this.#repair(subscription), // rejects for nothing but a bug
      // Its requests must be gone before another process has the lease, or that one's messages go to them.
      ...(subscription.orderKey === undefined ? {} : { expiresMs: this.#context.leaseMs / 2 }),
    });
    this.#pull.more();
  }

  /** Asks for nothing more. Resolves when all that had come is in the flights or with JetStream again. */
  async stop(): Promise<void> {
    if (this.#pull !== undefined) {
      await this.#pull.stop();
      await this.#tasks.ended();
      const { store } = this.#context;
      await store.forgetRequests(store.layout.events, store.layout.consumer(this.#name));
    }
    this.#pull = undefined;
    this.#order?.stop();
    this.#order = undefined;
    this.#subscription = undefined;
  }

  reconnected(): void {
    this.#pull?.restart();
  }

  /** A delivery has ended: it is known when it comes once more, and what waited for it is let through. */
  left(flight: Flight): void {
    this.#parts.flights.remove(flight);
    this.#ended.add(flight.sequence);
    const next = this.#order?.left(flight);
    if (next !== undefined) this.#letThrough(next);
    this.#pull?.more();
  }

  async #outstanding(): Promise<Outstanding> {
    const { num_ack_pending: all, delivered } = await this.#context.store.placeOf(this.#name);
    const { consumer_seq: handedOut, stream_seq: newest } = delivered;
    return { pending: all - this.#parts.flights.countOf(handedOut), handedOut, newest };
  }

  #room({ concurrency, orderKey }: Subscription): number {
    if (orderKey !== undefined) return MAX_OUTSTANDING - this.#parts.flights.size;
    return concurrency - this.#parts.busy() - this.#tasks.size;
  }

  #take(pulled: Pulled): void {
    const { message, sequence, reply, storedAt } = pulled;
    this.#notHandedOut = pulled.pending;
    this.#order?.heard(pulled.handedOut);
    const known = this.#parts.flights.get(sequence);
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
    if (again !== undefined && this.#context.store.layout.isFor(this.#name, message.subject)) {
      this.#tasks.start(this.#takeAgain(pulled, again));
      return;
    }
    const stored = decodeEvent(message, { position: sequence, acceptedAt: storedAt });
    if (stored === undefined || !this.#wants(stored) || settledElsewhere(message, this.#name)) {
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
    if (meta.target !== undefined) return meta.target === this.#name;
    return this.#subscription!.patterns.some((pattern) => typeMatches(pattern, event.type));
  }

  async #takeAgain(
    pulled: Pulled,
    { position, attempt }: { position: number; attempt: number },
  ): Promise<void> {
    const { store } = this.#context;
    await this.#parts.attemptEnded(position);
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
    const recorded = () => store.hasRecord(this.#name, stored.position);
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
    const flight = this.#parts.flights.add({
      sequence,
      stored,
      again,
      handedOut,
      reply,
      attempt: row?.attempt ?? attempt,
    });
    if (this.#order === undefined) this.#letThrough(flight);
    else this.#order.enter(flight);
  }

  /** Its key is free. */
  #letThrough(flight: Flight): void {
    const { position } = flight.stored;
    const row = this.#kept.get(position);
    this.#kept.delete(position);
    this.#parts.onFree(flight, row?.dueAt ?? 0);
  }

  /** JetStream does not know the function's place any more: somebody removed it. It is made again. */
  async #repair(subscription: Subscription): Promise<void> {
    await delay(AGAIN_MS);
    if (this.#subscription !== subscription) return;
    const { store, ackWaitMs } = this.#context;
    await ensureConsumer(store, this.#name, { subscription, ackWaitMs }).catch(nothingNow);
    this.#pull?.restart();
  }
}

/** NATS is away: tried again when it says once more that the place is missing. */
function nothingNow(error: unknown): void {
  if (!(error instanceof NexusError)) throw error;
}
