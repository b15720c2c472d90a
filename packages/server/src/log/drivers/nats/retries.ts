import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { setTimeout as delay } from "node:timers/promises";
import { NexusError } from "../../../core/errors.ts";
import { isNotFound, onceKnown } from "../../../core/jetstream.ts";
import { withJetStream } from "./answers.ts";
import type { Delivery, Settlement } from "../../log.ts";
import { drop, giveBackFor } from "./flights.ts";
import type { RetryKind } from "./layout.ts";
import { Pull, type Pulled } from "./pull.ts";
import type { NatsStore } from "./store.ts";
import { Tasks } from "./tasks.ts";
import { decodeJson, encodeAgain, encodeJson, onceOnly } from "./wire.ts";

/** What is kept of a delivery while it waits for another attempt, and until that one is settled. */
export interface RetryRow {
  readonly name: string;
  readonly position: number;
  /** Of the event; the delivery comes again on a subject like the event's own. */
  readonly type: string;
  /** The attempt that is to come. */
  readonly attempt: number;
  /** Milliseconds since the Unix epoch. */
  readonly dueAt: number;
  /** What it comes from: the same row brought back twice is one delivery. */
  readonly nonce: string;
}

/** The row of a delivery that is settled for another attempt; undefined: it is settled otherwise. */
export function retryRowOf(
  { name, stored, attempt }: Delivery,
  { invocation, next }: Settlement,
): RetryRow | undefined {
  if (next.state !== "retry") return undefined;
  return {
    name,
    position: stored.position,
    type: stored.event.type,
    attempt: attempt + 1,
    dueAt: next.at,
    nonce: invocation.id,
  };
}

const CONSUMER = "due";
/** Rows that may wait at a time in the whole cluster; what is more waits in line, and comes late. */
const MAX_WAITING = 50_000;
const BATCH = 256;

export async function keepRetry(store: NatsStore, kind: RetryKind, row: RetryRow): Promise<void> {
  const subject = store.layout.retry(kind, row.name, row.position);
  await store.channel.publish(subject, encodeJson(row));
}

export async function forgetRetry(
  store: NatsStore,
  { name, position }: Pick<RetryRow, "name" | "position">,
): Promise<void> {
  const { manager, layout } = store;
  const filter = layout.retry("*", name, position);
  await withJetStream("forget a retry", () => manager.streams.purge(layout.retries, { filter }));
}

/** The rows of a function whose deliveries wait where they are, by position. */
export async function keptRetries(store: NatsStore, name: string): Promise<Map<number, RetryRow>> {
  const rows = new Map<number, RetryRow>();
  for (const subject of await store.retries.subjects(store.layout.retriesOf("kept", name))) {
    const message = await store.retries.last(subject);
    if (message === undefined) continue;
    const row = decodeJson<RetryRow>(message.data);
    rows.set(row.position, row);
  }
  return rows;
}

/** Makes a delivery due now, unless it is already. Its row stays until it is settled. */
export async function bringRow(store: NatsStore, row: RetryRow): Promise<void> {
  const subject = store.layout.retry("free", row.name, row.position);
  await store.channel.publish(subject, encodeJson(row), onceOnly());
}

/** Hands a delivery out again: its function gets it like every other event. */
async function bringBack(store: NatsStore, row: RetryRow): Promise<void> {
  const { headers, data } = encodeAgain(row.position, row.attempt);
  await store.channel.publish(store.layout.again(row.name, row.position, row), data, headers);
}

/**
 * Brings deliveries back when they are due. All processes share the work: JetStream holds each row
 * until its time, and hands it to one of them.
 */
export class Retries {
  readonly #store: NatsStore;
  readonly #now: () => number;
  readonly #pull: Pull;
  readonly #tasks = new Tasks();

  constructor(store: NatsStore, now: () => number) {
    this.#store = store;
    this.#now = now;
    const { channel, layout } = store;
    this.#pull = new Pull(channel, {
      stream: layout.retries,
      consumer: CONSUMER,
      room: () => BATCH - this.#tasks.size,
      onMessage: (pulled) => this.#tasks.start(this.#take(pulled)),
      onMissing: () => undefined, // made at the start; where it is lost the next start makes it again
    });
    channel.onReconnect(() => this.#pull.restart());
    this.#pull.more();
  }

  /** Resolves when nothing of this process is under way. */
  async stop(): Promise<void> {
    await this.#pull.stop();
    await this.#tasks.ended();
    await this.#store.forgetRequests(this.#store.layout.retries, CONSUMER);
  }

  async #take({ message, reply }: Pulled): Promise<void> {
    const { channel } = this.#store;
    const row = decodeJson<RetryRow>(message.data);
    const wait = row.dueAt - this.#now();
    if (wait > SHORT_MS) {
      giveBackFor(channel, reply, wait);
      return;
    }
    if (wait > 0) await delay(wait);
    try {
      await bringBack(this.#store, row);
      drop(channel, reply);
    } catch (error) {
      if (!(error instanceof NexusError)) throw error;
      giveBackFor(channel, reply, RETRY_MS);
    } finally {
      this.#pull.more();
    }
  }
}

const RETRY_MS = 1000;
/** What is due as soon as this is not given back first. */
const SHORT_MS = 50;

export async function ensureRetryConsumer(store: NatsStore, ackWaitMs: number): Promise<void> {
  const { manager, layout } = store;
  const config = {
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: ackWaitMs * 1e6,
    max_ack_pending: MAX_WAITING,
    filter_subject: `${layout.prefix}.retry.free.>`,
  };
  await withJetStream("set up retries", async () => {
    try {
      await manager.consumers.info(layout.retries, CONSUMER);
      await manager.consumers.update(layout.retries, CONSUMER, config);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await onceKnown(() =>
        manager.consumers.add(layout.retries, { durable_name: CONSUMER, ...config }),
      );
    }
  });
}
