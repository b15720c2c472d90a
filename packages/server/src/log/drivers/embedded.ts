import type { NewEvent } from "../../core/event.ts";
import { lockDirectory } from "../../core/directory-lock.ts";
import { NexusError } from "../../core/errors.ts";
import { Fanout } from "../fanout.ts";
import type { Appended, Claim, Delivery, EventLog, Settlement } from "../log.ts";
import { Catalogue } from "./embedded/catalogue.ts";
import { type Batch, Committer } from "./embedded/committer.ts";
import { Consumers } from "./embedded/consumers.ts";
import { DeadLetters } from "./embedded/dead.ts";
import { Events, type Written } from "./embedded/events.ts";
import { IMPORT_KEY, refuseUnfinished } from "./embedded/importing.ts";
import { Invocations } from "./embedded/invocations.ts";
import { EventLists } from "./embedded/lists.ts";
import { Pending } from "./embedded/pending.ts";
import { Reader } from "./embedded/reader.ts";
import { State } from "./embedded/state.ts";
import { openStore, type Store, toLogError } from "./embedded/store.ts";
import { Retention } from "./embedded/trim.ts";
import { sweepValues } from "./embedded/value-sweep.ts";
import { Values } from "./embedded/values.ts";

export interface EmbeddedLogOptions {
  /** Made if it is not there. */
  readonly dir: string;
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number;
}

/**
 * The event log in one file of this process (LMDB). DATA_DIR_LOCKED where another process has the
 * directory, DATA_DIR_UNUSABLE where it cannot be written or holds something else, IMPORT_UNFINISHED.
 *
 * An event's `acceptedAt` never goes back: where the machine's clock does, the last time is repeated.
 * A run that a crash cut off is delivered again with the same attempt number: it was not the function
 * that failed. After a crash a position may be used that `claim` had handed out for an event that never
 * became durable; one that was acknowledged is never used again, whatever retention removed.
 */
export async function embeddedLog(options: EmbeddedLogOptions): Promise<EventLog> {
  const { dir, now = Date.now } = options;
  const lock = lockDirectory(dir);
  let store: Store | undefined;
  try {
    store = openStore(dir);
    refuseUnfinished(store.meta.get(IMPORT_KEY), dir);
    return assemble({ store, dir, now, release: () => lock.release() });
  } catch (error) {
    await store?.close();
    lock.release();
    throw error;
  }
}

interface Parts {
  readonly store: Store;
  readonly dir: string;
  readonly now: () => number;
  readonly release: () => void;
}

function assemble({ store, dir, now, release }: Parts): EventLog {
  const state = new State(store);
  const catalogue = new Catalogue(store, state.nextName);
  const events = new Events(store, catalogue, { ...state.newest, now });
  const invocations = new Invocations(store, catalogue);
  const dead = new DeadLetters(store, catalogue);
  const lists = new EventLists(store, catalogue, events);
  const pending = new Pending(store);
  const values = new Values(store, now);
  const reader = new Reader(store, catalogue, events);
  const tail = (): number => state.newest.tail;
  const consumers = new Consumers(catalogue, { store, events, reader, pending, now, tail });
  const fanout = new Fanout();
  const committer = new Committer(store, {
    prepare(batch) {
      events.prepare(batch);
      consumers.prepare(batch);
      catalogue.prepare(batch);
      values.prepare(batch);
      state.prepare(batch, catalogue.next);
    },
    waiting: () => consumers.waiting || catalogue.waiting,
    committed(batch) {
      for (const stored of batch.events) consumers.offer(stored);
      if (!fanout.active) return;
      for (const stored of batch.events) fanout.publish({ kind: "event", stored });
      for (const invocation of batch.invocations)
        fanout.publish({ kind: "invocation", invocation });
    },
  });
  const retention = new Retention({
    store,
    committer,
    events,
    invocations,
    consumers,
    counters: () => state.counters,
    now,
  });
  const redriving = new Set<string>();
  let closing: Promise<void> | undefined;

  async function read<T>(answer: () => T | Promise<T>): Promise<T> {
    if (closing !== undefined) {
      throw new NexusError("LOG_UNAVAILABLE", "Cannot read the event log: it is closed");
    }
    try {
      return await answer();
    } catch (error) {
      throw error instanceof NexusError ? error : await toLogError("read", error, dir);
    }
  }

  function writeAll(batch: Batch, input: readonly NewEvent[]): Written[] {
    return input.map((each) => events.write(batch, each));
  }

  async function append(input: readonly NewEvent[]): Promise<readonly Appended[]> {
    if (input.length === 0) return [];
    const written = writeAll(committer.batch, input);
    await lastBatch(written)?.done;
    return written.map(({ answer }) => answer);
  }

  function claim(event: NewEvent, name: string): Claim {
    let batch: Batch;
    try {
      batch = committer.batch;
    } catch (error) {
      return { event: undefined, durable: Promise.reject(error) };
    }
    const written = events.write(batch, event);
    const { stored, answer } = written;
    const delivery = stored === undefined ? undefined : consumers.get(name).claim(stored, batch);
    const durable = Promise.resolve(written.batch?.done).then(() => ({ ...answer, delivery }));
    return { event: stored, durable };
  }

  async function settle(delivery: Delivery, settlement: Settlement): Promise<void> {
    const { invocation, recording, emitted, next } = settlement;
    const { batch } = committer;
    consumers.get(delivery.name).settle(delivery, next, batch);
    invocations.write(batch, invocation, recording);
    if (next.state === "dead") dead.write(batch, invocation, { error: next.error, at: now() });
    writeAll(batch, emitted);
    await batch.done;
  }

  async function redrive(id: string): Promise<boolean> {
    const { batch } = committer;
    const letter = redriving.has(id) ? undefined : dead.get(id);
    if (letter === undefined) return false;
    const consumer = consumers.get(letter.function);
    const { position } = letter;
    const dueAt = now();
    const acceptedAt = events.get(position)?.acceptedAt ?? dueAt;
    redriving.add(id);
    dead.remove(batch, letter);
    pending.put(batch, consumer.number, { position, attempt: 1, dueAt, acceptedAt });
    batch.on(
      () => {
        redriving.delete(id);
        consumer.redriven(position, dueAt);
      },
      () => redriving.delete(id),
    );
    await batch.done;
    return true;
  }

  async function close(): Promise<void> {
    consumers.close();
    fanout.close();
    const last = committer.batch.done;
    await Promise.allSettled([committer.close(), last]);
    await store.close();
    release();
  }

  return {
    driver: "embedded",
    maxEventBytes: Infinity,
    append,
    claim,
    settle,
    find: (id, source) => read(() => events.find(id, source)),
    list: (filter, page) => read(() => lists.list(filter, page)),
    consume(subscription, signal) {
      const consumer = consumers.get(subscription.name);
      consumer.place(subscription.start);
      return consumers.iterate(subscription, signal);
    },
    async record(invocation, emitted, recording) {
      const { batch } = committer;
      invocations.write(batch, invocation, recording);
      writeAll(batch, emitted);
      await batch.done;
    },
    invocations: {
      get: (id) => read(() => invocations.get(id)),
      list: (filter, page) => read(() => invocations.list(filter, page)),
      ofEvent: (position) => read(() => invocations.ofEvent(position)),
      recording: (id) => read(() => invocations.recording(id)),
    },
    deadLetters: {
      get: (id) => read(() => dead.get(id)),
      list: (filter, page) => read(() => dead.list(filter, page)),
      redrive,
    },
    state: {
      maxValueBytes: values.maxValueBytes,
      get: (namespace, key) => read(() => values.get(namespace, key)),
      set: async (namespace, key, value, options) =>
        values.set(committer.batch, { namespace, key }, value, options),
      delete: async (namespace, key, options) =>
        values.delete(committer.batch, { namespace, key }, options),
      list: (namespace, query) => read(() => values.list(namespace, query)),
    },
    watch: (signal) => fanout.watch(signal),
    async trim(policy, signal) {
      const trimmed = await retention.trim(policy, signal);
      await sweepValues({ store, committer, values, now }, signal);
      return trimmed;
    },
    async status() {
      const { events, invocations, deadLetters } = state.counters;
      return {
        driver: "embedded",
        connected: closing === undefined,
        durability:
          "on this machine's disk: an acknowledged event survives a power cut (fdatasync)",
        copies: 1,
        copiesWanted: 1,
        tail: state.newest.tail,
        events,
        invocations,
        deadLetters,
        bytes: await store.size(),
      };
    },
    lag: () => consumers.lag(),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}

/** The batch with which everything is durable: batches go to the disk in order, and fail together. */
function lastBatch(written: readonly Written[]): Batch | undefined {
  let last: Batch | undefined;
  for (const { batch, answer } of written) {
    if (batch !== undefined && (last === undefined || answer.status === "accepted")) last = batch;
  }
  return last;
}
