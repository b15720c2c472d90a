import { aborted } from "../../../core/aborted.ts";
import { NexusError } from "../../../core/errors.ts";
import type { ConsumerLag, Delivery, Subscription } from "../../log.ts";
import { NatsConsumer, type ConsumerContext } from "./consumer.ts";
import { setTimeout as delay } from "node:timers/promises";

const AGAIN_MS = 500;
const LOOK_MS = 5000;

/** NATS is away: what was known last stays. */
function nextTime(error: unknown): void {
  if (!(error instanceof NexusError)) throw error;
}

/** Every function's deliveries in this process: one iteration a name at a time. */
export class Consumers {
  readonly #context: ConsumerContext;
  readonly #byName = new Map<string, NatsConsumer>();
  /** The end of the last iteration of each name. */
  readonly #ends = new Map<string, Promise<void>>();
  readonly #placing = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  readonly #looking: NodeJS.Timeout;
  #asked = false;

  constructor(context: ConsumerContext) {
    this.#context = context;
    context.store.channel.onReconnect(() => {
      for (const consumer of this.#byName.values()) consumer.reconnected();
    });
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
    this.#looking.unref();
  }

  get(name: string): NatsConsumer {
    const consumer = this.#byName.get(name) ?? new NatsConsumer(name, this.#context);
    this.#byName.set(name, consumer);
    return consumer;
  }

  /** Whether a place is being made just now. */
  get placing(): boolean {
    return this.#placing.size > 0;
  }

  async placed(): Promise<void> {
    await Promise.all(this.#placing);
  }

  consume(subscription: Subscription, signal: AbortSignal): AsyncIterable<Delivery> {
    const consumer = this.get(subscription.name);
    const ending = AbortSignal.any([signal, this.#closing.signal]);
    const placed = this.#place(consumer, subscription, ending);
    this.#placing.add(placed);
    void placed.finally(() => this.#placing.delete(placed));
    return this.#iterate(consumer, { subscription, ending, placed });
  }

  stillWorking(): void {
    for (const consumer of this.#byName.values()) consumer.stillWorking();
  }

  /** As of the last delivery of each or of a few seconds ago, whichever is later, while somebody asks. */
  lag(): readonly ConsumerLag[] {
    this.#asked = true;
    return [...this.#byName.values()].map((consumer) => consumer.lag());
  }

  /** Ends every iteration, and gives back what is not settled. */
  async close(): Promise<void> {
    clearInterval(this.#looking);
    this.#closing.abort();
    const consumers = [...this.#byName.values()];
    for (const consumer of consumers) consumer.wake();
    await Promise.all(consumers.map((consumer) => consumer.close()));
  }

  #look(): void {
    if (!this.#asked || !this.#context.store.channel.connected) return;
    this.#asked = false;
    for (const consumer of this.#byName.values()) consumer.look().catch(nextTime);
  }

  async *#iterate(
    consumer: NatsConsumer,
    run: {
      readonly subscription: Subscription;
      readonly ending: AbortSignal;
      readonly placed: Promise<void>;
    },
  ): AsyncGenerator<Delivery> {
    const { subscription, ending, placed } = run;
    const before = this.#ends.get(consumer.name);
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#ends.set(consumer.name, ended);
    const wake = (): void => consumer.wake();
    ending.addEventListener("abort", wake);
    try {
      await Promise.race([before, aborted(ending)]);
      await placed;
      while (!ending.aborted) {
        try {
          yield* consumer.deliveries(subscription, ending);
        } catch (error) {
          // NATS was away when the iteration began.
          if (!(error instanceof NexusError)) throw error;
          await delay(AGAIN_MS, undefined, { signal: ending }).catch(() => undefined);
        }
      }
    } finally {
      ending.removeEventListener("abort", wake);
      void Promise.resolve(before).then(end);
    }
  }

  async #place(
    consumer: NatsConsumer,
    subscription: Subscription,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        await consumer.place(subscription);
        return;
      } catch (error) {
        if (!(error instanceof NexusError)) throw error;
        await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
