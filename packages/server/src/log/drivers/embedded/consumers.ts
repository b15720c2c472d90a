import type { StoredEvent } from "../../../core/event.ts";
import type { ConsumerLag, Delivery, Subscription } from "../../log.ts";
import { Routes } from "../../routes.ts";
import { type Catalogue, FUNCTION } from "./catalogue.ts";
import type { Batch } from "./committer.ts";
import { Consumer, type ConsumerContext } from "./consumer.ts";

// A consumer that has nothing to do keeps its place this far behind the log's end at most, so that
// after a crash it has little to look through.
const IDLE_STEP = 10_000;

/** Every consumer this process has to do with, and the iterations over them. */
export class Consumers {
  readonly #catalogue: Catalogue;
  readonly #context: ConsumerContext;
  readonly #byName = new Map<string, Consumer>();
  readonly #routes = new Routes<Consumer>();
  /** Resolves when the last iteration of a name so far has ended. */
  readonly #turns = new Map<string, Promise<void>>();
  #touched = new Set<Consumer>();
  #swept: number;
  #closed = false;

  constructor(catalogue: Catalogue, context: Omit<ConsumerContext, "touch">) {
    this.#catalogue = catalogue;
    this.#swept = context.tail();
    this.#context = { ...context, touch: (consumer) => this.#touched.add(consumer) };
  }

  get(name: string): Consumer {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const consumer = new Consumer(name, this.#catalogue.assign(FUNCTION, name), this.#context);
    this.#byName.set(name, consumer);
    return consumer;
  }

  /** Undefined where this process has had nothing to do with the name yet. */
  served(name: string): Consumer | undefined {
    return this.#byName.get(name);
  }

  async *iterate(
    subscription: Subscription,
    signal: AbortSignal,
  ): AsyncGenerator<Delivery, void, void> {
    const { name, patterns } = subscription;
    const consumer = this.get(name);
    const before = this.#turns.get(name) ?? Promise.resolve();
    const ended = Promise.withResolvers<void>();
    this.#turns.set(
      name,
      before.then(() => ended.promise),
    );
    const turn = Promise.withResolvers<void>();
    const onAbort = (): void => {
      turn.resolve();
      consumer.wake();
    };
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    try {
      await Promise.race([before, turn.promise]);
      if (this.#over(signal)) return;
      this.#routes.add(consumer, patterns);
      try {
        await consumer.start(subscription);
        while (!this.#over(signal)) {
          const delivery = consumer.take();
          if (delivery !== undefined) yield delivery;
          else if (consumer.behind) await new Promise(setImmediate);
          else await consumer.sleep();
        }
      } finally {
        consumer.stop();
        this.#routes.remove(consumer, patterns);
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      ended.resolve();
    }
  }

  /** Hands a committed event to whoever takes it. */
  offer(stored: StoredEvent): void {
    const { target } = stored.meta;
    if (target === undefined) {
      for (const consumer of this.#routes.of(stored.event.type)) consumer.offer(stored);
    } else {
      this.#byName.get(target)?.offer(stored);
    }
  }

  /** Whether a place moved since the last commit. */
  get waiting(): boolean {
    return this.#touched.size > 0;
  }

  /** Writes the places that moved since the last commit. */
  prepare(batch: Batch): void {
    if (this.#context.tail() - this.#swept >= IDLE_STEP) this.#touchAll();
    const touched = this.#touched;
    if (touched.size === 0) return;
    this.#touched = new Set();
    for (const consumer of touched) consumer.writePlace(batch);
    batch.on(undefined, () => {
      for (const consumer of touched) this.#touched.add(consumer);
    });
  }

  /** Whether a consumer that is behind has still to come to this event. */
  awaits({ event, meta, position }: StoredEvent): boolean {
    if (meta.target !== undefined) return this.#byName.get(meta.target)?.awaits(position) ?? false;
    return this.#routes.of(event.type).some((consumer) => consumer.awaits(position));
  }

  /** Positions that are handed out or wait in memory. */
  outstanding(): Set<number> {
    const positions = new Set<number>();
    for (const consumer of this.#byName.values()) {
      for (const position of consumer.outstanding()) positions.add(position);
    }
    return positions;
  }

  lag(): ConsumerLag[] {
    const served = [...this.#byName.values()].filter((consumer) => consumer.active);
    return served.map((consumer) => consumer.lag());
  }

  /** Ends every iteration and marks every place for the last commit. */
  close(): void {
    this.#closed = true;
    this.#touchAll();
    for (const consumer of this.#byName.values()) consumer.wake();
  }

  #touchAll(): void {
    this.#swept = this.#context.tail();
    for (const consumer of this.#byName.values()) {
      if (consumer.placed) this.#touched.add(consumer);
    }
  }

  #over(signal: AbortSignal): boolean {
    return this.#closed || signal.aborted;
  }
}
