import type { NatsConnection } from "@nats-io/transport-node";
import type { NewEvent } from "../../core/event.ts";
import type { Appended, Delivery, EventLog, Settlement } from "../log.ts";
import { unavailable } from "./nats/answers.ts";
import { Claims } from "./nats/claims.ts";
import { Consumers } from "./nats/consumers.ts";
import { refuseUnfinished } from "./nats/importing.ts";
import {
  findEvent,
  getDeadLetter,
  getInvocation,
  getRecording,
  invocationsOf,
  listDeadLetters,
  listEvents,
  listInvocations,
  redrive,
} from "./nats/lists.ts";
import { Live } from "./nats/live.ts";
import { ensureRetryConsumer, Retries, retryRowOf } from "./nats/retries.ts";
import { keepRun, keepSettled } from "./nats/settle.ts";
import { type NatsStore, openNatsStore } from "./nats/store.ts";
import { ensureStreams } from "./nats/streams.ts";
import { Status } from "./nats/status.ts";
import { trim } from "./nats/trim.ts";
import { Values } from "./nats/values.ts";

const MAX_LEASE_MS = 10_000;

export interface NatsLogOptions {
  /** Open, and kept so by its opener for as long as the log is. */
  readonly connection: NatsConnection;
  /** In front of every subject and, in upper case, of every stream. */
  readonly prefix?: string;
  /** Of every stream. Absent: as streams that are there have; else 3 in a cluster that has room for them, and 1. */
  readonly replicas?: number;
  /** How long JetStream waits for a sign of life before it gives a delivery to another process, in milliseconds. */
  readonly ackWaitMs?: number;
  /** The same for the process that runs an ordered function, in milliseconds; absent: `ackWaitMs`, at most 10 s. */
  readonly leaseMs?: number;
  /** How long an answer of NATS is waited for, in milliseconds. */
  readonly timeoutMs?: number;
  /** Milliseconds since the Unix epoch: when retries are due and what is old. */
  readonly now?: () => number;
}

/**
 * The event log on NATS JetStream, which any number of processes share. A position is the event's
 * sequence in its stream, and `acceptedAt` the time of the stream's leader.
 *
 * JetStream has no transactions: `append` of several events keeps them in order, and where it rejects,
 * the first of them may be kept. A run that a crash cut off is delivered again with the same attempt
 * number. Identity is `source`, `id` and `type`: of two events that differ in their type alone, which no
 * producer may send, both are kept. IMPORT_UNFINISHED.
 */
export async function natsLog(options: NatsLogOptions): Promise<EventLog> {
  const {
    connection,
    prefix = "nexus",
    ackWaitMs = 30_000,
    leaseMs = Math.min(MAX_LEASE_MS, ackWaitMs),
    timeoutMs = 5_000,
    now = Date.now,
  } = options;
  const store = await openNatsStore({ connection, prefix, timeoutMs });
  try {
    store.revisionsBefore = (await refuseUnfinished(store))?.revision ?? 0;
    store.replicas = await ensureStreams(store, { replicas: options.replicas, leaseMs });
    await ensureRetryConsumer(store, ackWaitMs);
  } catch (error) {
    await store.channel.close();
    throw error;
  }
  return assemble(store, { now, ackWaitMs, leaseMs });
}

function assemble(
  store: NatsStore,
  { now, ackWaitMs, leaseMs }: { now: () => number; ackWaitMs: number; leaseMs: number },
): EventLog {
  const claims = new Claims(store, now);
  const consumers = new Consumers({ store, claims, now, ackWaitMs, leaseMs });
  const retries = new Retries(store, now);
  const live = new Live(store);
  const status = new Status(store);
  const values = new Values(store, now);
  const working = setInterval(() => {
    consumers.stillWorking();
    claims.stillWorking();
  }, ackWaitMs / 3);
  working.unref();
  let closing: Promise<void> | undefined;

  function open(): NatsStore {
    if (closing === undefined) return store;
    throw unavailable("reach the event log", "it is closed");
  }

  function opened(): Values {
    open();
    return values;
  }

  async function append(input: readonly NewEvent[]): Promise<readonly Appended[]> {
    if (input.length === 0) return [];
    const target = open();
    // Whoever begins "from the latest" begins before this.
    if (consumers.placing) await consumers.placed();
    return Promise.all(input.map((each) => target.publishEvent(each)));
  }

  async function settle(delivery: Delivery, settlement: Settlement): Promise<void> {
    open();
    if (!claims.has(delivery)) return consumers.get(delivery.name).settle(delivery, settlement);
    const row = retryRowOf(delivery, settlement);
    const retry = row === undefined ? {} : { retry: { kind: "free", row } as const };
    await claims.settle(delivery, () =>
      keepSettled(store, { delivery, settlement, hasRow: false, now, ...retry }),
    );
  }

  async function close(): Promise<void> {
    clearInterval(working);
    live.close();
    await Promise.all([retries.stop(), consumers.close()]);
    claims.stop();
    await store.channel.close();
  }

  return {
    driver: "nats",
    maxEventBytes: store.maxBytes,
    append,
    claim: (event, name) => claims.claim(event, name),
    find: async (id, source) => findEvent(open(), id, source),
    list: async (filter, page) => listEvents(open(), filter, page),
    consume: (subscription, signal) => consumers.consume(subscription, signal),
    settle,
    record: async (invocation, emitted, recording) =>
      keepRun(open(), { invocation, recording }, emitted),
    invocations: {
      get: async (id) => getInvocation(open(), id),
      list: async (filter, page) => listInvocations(open(), filter, page),
      ofEvent: async (position) => invocationsOf(open(), position),
      recording: async (id) => getRecording(open(), id),
    },
    deadLetters: {
      get: async (id) => getDeadLetter(open(), id),
      list: async (filter, page) => listDeadLetters(open(), filter, page),
      redrive: async (id) => redrive(open(), id, now()),
    },
    state: {
      maxValueBytes: values.maxValueBytes,
      get: async (namespace, key) => opened().get(namespace, key),
      set: async (namespace, key, value, options) => opened().set(namespace, key, value, options),
      delete: async (namespace, key, options) => opened().delete(namespace, key, options),
      list: async (namespace, query) => opened().list(namespace, query),
    },
    watch: (signal) => live.watch(signal),
    async trim(policy, signal) {
      const trimmed = await trim(open(), policy, { now, signal });
      await values.sweep(signal);
      return trimmed;
    },
    status: () => status.read(),
    lag: () => consumers.lag(),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}
