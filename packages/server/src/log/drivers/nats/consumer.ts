import { Deque } from "../../deque.ts";
import type { ConsumerLag, Delivery, Settlement, Subscription } from "../../log.ts";
import { Waker } from "../../waker.ts";
import { Arrivals, type ArrivalsContext } from "./arrivals.ts";
import { type Flight, Flights } from "./flights.ts";
import type { RetryKind } from "./layout.ts";
import { type Lease, takeLease } from "./lease.ts";
import { ensureConsumer } from "./place.ts";
import { retryRowOf, type RetryRow } from "./retries.ts";
import { keepSettled } from "./settle.ts";
import { Tasks } from "./tasks.ts";

const AGAIN_MS = 1000;

export interface ConsumerContext extends ArrivalsContext {
  readonly now: () => number;
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
  readonly #arrivals: Arrivals;
  readonly #ready = new Deque<Flight>();
  readonly #waker = new Waker();
  /** When deliveries that were given back for another attempt are due, by position. */
  readonly #retrying = new Map<number, number>();
  /** Settlements for another attempt, by position: that one may be here before they are done. */
  readonly #ending = new Map<number, Promise<void>>();
  readonly #settling = new Tasks();
  #stopping: Promise<void> | undefined;
  #lease: Lease | undefined;
  #running = 0;

  constructor(name: string, context: ConsumerContext) {
    this.name = name;
    this.#context = context;
    this.#flights = new Flights(context.store.channel);
    this.#arrivals = new Arrivals(name, context, {
      flights: this.#flights,
      busy: () => this.#running + this.#ready.length,
      onFree: (flight, dueAt) => this.#hold(flight, dueAt),
      attemptEnded: (position) => this.#attemptEnded(position),
    });
  }

  /** Makes the function's place where the log has none yet, or changes it. LOG_UNAVAILABLE. */
  async place(subscription: Subscription): Promise<void> {
    const { store, ackWaitMs } = this.#context;
    await ensureConsumer(store, this.name, { subscription, ackWaitMs });
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
    if (this.#arrivals.ordered) {
      flight.attempt = row.attempt;
      this.#hold(flight, row.dueAt);
    } else {
      this.#flights.giveBack((each) => each === flight); // whoever has the function now knows the row
    }
  }

  async #end(flight: Flight): Promise<void> {
    this.#arrivals.left(flight);
    if (flight.again) await this.#context.store.removeAgain(flight.sequence);
  }

  stillWorking(): void {
    this.#flights.stillWorking();
  }

  reconnected(): void {
    this.#arrivals.reconnected();
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
      waiting: this.#arrivals.waiting + this.#ready.length,
      running: this.#running,
      retrying: this.#retrying.size,
      oldestMs: Math.max(0, now - oldest),
    };
  }

  /** Asks how many messages wait in the store. LOG_UNAVAILABLE. */
  look(): Promise<void> {
    return this.#arrivals.look();
  }

  async *#served(subscription: Subscription, signal: AbortSignal): AsyncGenerator<Delivery> {
    try {
      await this.#arrivals.start(subscription);
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

  /** Safe to call twice. */
  #stop(): Promise<void> {
    this.#stopping ??= this.#giveBackWaiting().finally(() => (this.#stopping = undefined));
    return this.#stopping;
  }

  async #giveBackWaiting(): Promise<void> {
    await this.#arrivals.stop();
    this.#ready.clear();
    this.#flights.giveBack(({ state }) => state === "held" || state === "ready");
  }

  async #attemptEnded(position: number): Promise<void> {
    await this.#ending.get(position);
    this.#retrying.delete(position);
  }

  /** Hands it out as soon as it is due. */
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
}

const MAX_TIMER_MS = 60_000;

/** Whoever settles hears of it. */
function heardElsewhere(): void {}
