import { AckPolicy, type ConsumerInfo, DeliverPolicy } from "@nats-io/jetstream";
import { NexusError } from "../../../core/errors.ts";
import type { StoredEvent } from "../../../core/event.ts";
import { isNotFound } from "../../../core/jetstream.ts";
import { checkValue } from "../../state-limits.ts";
import type {
  FunctionPlace,
  KeptInvocation,
  KeptValue,
  LogState,
  LogTarget,
} from "../../transfer.ts";
import type { NatsLogOptions } from "../nats.ts";
import { withJetStream } from "./answers.ts";
import { importMark, keepImportMark } from "./importing.ts";
import { PositionMap } from "./position-map.ts";
import { keepRetry } from "./retries.ts";
import { type NatsStore, openNatsStore } from "./store.ts";
import { ensureStreams } from "./streams.ts";
import { encodeValue } from "./value-messages.ts";
import { encodeJson, encodeRestored, encodeRun, keptElsewhere } from "./wire.ts";

/** Messages that are on their way at a time. */
const AT_ONCE = 512;

/**
 * The log in NATS to import into. JetStream numbers what it stores: positions become other ones, in the
 * same order, and what names a position is changed with them. LOG_UNAVAILABLE.
 */
export async function natsTarget(options: NatsLogOptions): Promise<LogTarget> {
  const { connection, prefix = "nexus", timeoutMs = 5_000, leaseMs = 10_000 } = options;
  const store = await openNatsStore({ connection, prefix, timeoutMs });
  try {
    store.replicas = await ensureStreams(store, { replicas: options.replicas, leaseMs });
    return new NatsTarget(store, options.ackWaitMs ?? 30_000);
  } catch (error) {
    await store.channel.close();
    throw error;
  }
}

/** A function's place, ready to be asked about positions in their order. */
interface Place extends Pick<FunctionPlace, "function" | "high"> {
  readonly open: ReadonlySet<number>;
  readonly done: ReadonlySet<number>;
  /** Everything before is settled. */
  readonly start: number;
}

class NatsTarget implements LogTarget {
  readonly driver = "nats";
  readonly #store: NatsStore;
  readonly #ackWaitMs: number;
  readonly #positions = new PositionMap();
  #archive = "";
  #state: LogState = { tail: 0, revision: 0, deadLetters: [], retries: [], places: [] };
  #places: readonly Place[] = [];
  #acceptedAt = 0;
  #keptAt = 0;

  constructor(store: NatsStore, ackWaitMs: number) {
    this.#store = store;
    this.#ackWaitMs = ackWaitMs;
  }

  async begin(archiveId: string, state: LogState): Promise<"begun" | "continued" | "done"> {
    this.#archive = archiveId;
    this.#state = state;
    this.#places = state.places.map((place) => placeOf(place, state));
    const mark = await importMark(this.#store);
    if (mark?.archive === archiveId && mark.done) return "done";
    const consumers = await this.#consumers();
    if (consumers.some(({ num_waiting: waiting }) => waiting > 0)) {
      throw this.#notEmpty("a server works on it (stop it first)");
    }
    if (mark?.archive === archiveId) return "continued";
    if (mark?.done === false)
      throw this.#notEmpty("an import of another archive was cut off there");
    const { events, records, retries, dead, values } = this.#store;
    const streams = [events, records, retries, dead, values];
    const states = await Promise.all(streams.map((each) => each.state()));
    if (mark !== undefined || states.some(({ messages }) => messages > 0)) {
      throw this.#notEmpty("it holds events, records or state already");
    }
    await this.#keepMark(false);
    // A server that ran here without an event left its functions' places at the end of nothing.
    for (const { name } of consumers) await this.#removeConsumer(name);
    return "begun";
  }

  async events(events: readonly StoredEvent[]): Promise<void> {
    const { channel, layout } = this.#store;
    const moved = await inParts(events, async (stored) => {
      this.#acceptedAt = Math.max(this.#acceptedAt, stored.acceptedAt);
      const settled = this.#places.filter((place) => isSettled(place, stored.position));
      const names = settled.map((place) => place.function);
      const restored = { ...stored, acceptedAt: this.#acceptedAt };
      const { headers, data } = encodeRestored(restored, names);
      const { sequence } = await channel.publish(layout.event(stored), data, headers);
      return { from: stored.position, to: sequence };
    });
    for (const { from, to } of moved) this.#positions.add(from, to);
  }

  async invocations(kept: readonly KeptInvocation[]): Promise<void> {
    const { channel, layout, maxBytes } = this.#store;
    await inParts(kept, ({ invocation, recording, keptAt }) => {
      this.#keptAt = Math.max(this.#keptAt, keptAt);
      const record = this.#moved(invocation);
      const head = keptElsewhere(this.#keptAt);
      const { headers, data } = encodeRun({ invocation: record, recording }, { head, maxBytes });
      return channel.publish(layout.record(record), data, headers);
    });
  }

  async values(values: readonly KeptValue[]): Promise<void> {
    const { channel, layout, maxBytes } = this.#store;
    await inParts(values, ({ namespace, key, value, expiresAt }) => {
      checkValue(key, value, maxBytes);
      const { headers, data } = encodeValue(value, { expiresAt });
      return channel.publish(layout.value(namespace, key), data, headers);
    });
  }

  async finish(): Promise<void> {
    const store = this.#store;
    const { deadLetters, retries } = this.#state;
    await inParts(deadLetters, (letter) => {
      const subject = store.layout.deadLetter(letter.function, letter.id);
      const head = keptElsewhere(Date.parse(letter.dead_at));
      return store.channel.publish(subject, encodeJson(this.#moved(letter)), head);
    });
    await inParts(retries, async ({ function: name, position, attempt, dueAt, holdsKey }) => {
      const moved = this.#positions.get(position);
      const stored = moved === undefined ? undefined : await store.eventAt(moved);
      if (stored === undefined) return;
      const { type } = stored.event;
      const row = { name, position: stored.position, type, attempt, dueAt, nonce: "import" };
      await keepRetry(store, holdsKey ? "kept" : "free", row);
    });
    for (const place of this.#places) await this.#keepPlace(place);
    await this.#keepMark(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store.channel.close();
  }

  /** What is to come begins at the first open event; of those after it that were settled, their headers tell. */
  async #keepPlace({ function: name, start }: Place): Promise<void> {
    const { manager, layout, events } = this.#store;
    const first = this.#positions.firstFrom(start) ?? (await events.state()).last + 1;
    const durable = layout.consumer(name);
    await this.#removeConsumer(durable);
    await withJetStream(`set up the consumer of "${name}"`, () =>
      manager.consumers.add(layout.events, {
        durable_name: durable,
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: first,
        ack_wait: this.#ackWaitMs * 1e6,
        // What it takes is set when a server serves the function.
        filter_subject: `${layout.prefix}.ev.>`,
      }),
    );
  }

  #moved<T extends { readonly position: number }>(item: T): T {
    // Of an event that retention had removed: no other event may get its records.
    return { ...item, position: this.#positions.get(item.position) ?? 0 };
  }

  async #consumers(): Promise<ConsumerInfo[]> {
    const { manager, layout } = this.#store;
    return withJetStream("look at the consumers", async () => {
      const all: ConsumerInfo[] = [];
      for await (const info of manager.consumers.list(layout.events)) all.push(info);
      return all;
    });
  }

  async #removeConsumer(name: string): Promise<void> {
    const { manager, layout } = this.#store;
    await withJetStream(`remove the consumer "${name}"`, async () => {
      try {
        await manager.consumers.delete(layout.events, name);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    });
  }

  async #keepMark(done: boolean): Promise<void> {
    const { last } = await this.#store.events.state();
    const { revision } = this.#state;
    await keepImportMark(this.#store, { archive: this.#archive, done, last, revision });
  }

  #notEmpty(how: string): NexusError {
    const where = `the event log "${this.#store.layout.prefix}" in NATS`;
    return new NexusError("LOG_NOT_EMPTY", `Cannot import into ${where}: ${how}`);
  }
}

function placeOf({ function: name, high, open, done }: FunctionPlace, state: LogState): Place {
  // A delivery that holds its key waits as a message that is not acknowledged.
  const held = state.retries.filter((retry) => retry.function === name && retry.holdsKey);
  const all = new Set([...open, ...held.map(({ position }) => position)]);
  return {
    function: name,
    high: Math.max(high, ...all),
    open: all,
    done: new Set(done.filter((position) => !all.has(position))),
    start: Math.min(high + 1, ...all),
  };
}

function isSettled({ high, open, done, start }: Place, position: number): boolean {
  if (position < start) return false; // before where it begins: nobody asks
  return position <= high ? !open.has(position) : done.has(position);
}

/** Does each in the order given, so many of them at a time. */
async function inParts<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(work))));
  }
  return results;
}
