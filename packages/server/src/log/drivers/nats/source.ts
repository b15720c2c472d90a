import type { StoredEvent } from "../../../core/event.ts";
import { isNotFound } from "../../../core/jetstream.ts";
import type { DeadLetter } from "../../../core/invocation.ts";
import type { NatsLogOptions } from "../nats.ts";
import type {
  KeptInvocation,
  KeptValue,
  LogSource,
  LogState,
  WaitingRetry,
} from "../../transfer.ts";
import { refuseUnfinished } from "./importing.ts";
import { readPlaces, withSettled } from "./places.ts";
import { type StreamState, timeOf } from "./reader.ts";
import type { RetryRow } from "./retries.ts";
import { scan } from "./scan.ts";
import { eventOf, messageOf, type NatsStore, openNatsStore } from "./store.ts";
import { isOver } from "./value-messages.ts";
import { KeyReader } from "./value-versions.ts";
import { decodeJson, decodeRecord, recordingOf } from "./wire.ts";

/** Values can be large. */
const VALUES_AT_ONCE = 16;

/**
 * The log in NATS as it is about now, whether servers work on it or not. JetStream has no moment that
 * holds for several streams: what a delivery becomes is read first, and what it leaves behind (record,
 * emitted events) last. A delivery that ends in between may be taken for one that is still to come, never
 * the other way round. Values are what they are when they are read. LOG_UNAVAILABLE, IMPORT_UNFINISHED.
 */
export async function natsSource(options: NatsLogOptions): Promise<LogSource> {
  const { connection, prefix = "nexus", timeoutMs = 5_000 } = options;
  const store = await openNatsStore({ connection, prefix, timeoutMs });
  const dispose = (): Promise<void> => store.channel.close();
  try {
    store.revisionsBefore = (await refuseUnfinished(store))?.revision ?? 0;
    const values = await valuesState(store);
    const revision = (values?.last ?? 0) + store.revisionsBefore;
    const state = { revision, ...(await readState(store)) };
    const records = await store.records.state();
    const events = await store.events.state();
    const last = { record: records.last, event: events.last };
    return {
      driver: "nats",
      counts: { events: events.messages, invocations: records.messages },
      state: { ...(await withSettled(store, state, last)), tail: events.last },
      events: (after) =>
        eventsOf(store, { from: Math.max(events.first, after + 1), to: events.last }),
      invocations: (after) =>
        recordsOf(store, {
          from: after === undefined ? records.first : Number(after) + 1,
          to: records.last,
        }),
      values: () => valuesOf(store, values?.copiesWanted),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
}

async function* eventsOf(store: NatsStore, range: Range): AsyncGenerator<StoredEvent> {
  for await (const message of scan(store.events, range)) {
    // Without one it is a note that a delivery comes again: its row tells the same.
    const stored = eventOf(message);
    if (stored !== undefined) yield stored;
  }
}

async function* recordsOf(store: NatsStore, range: Range): AsyncGenerator<KeptInvocation> {
  let keptAt = 0;
  for await (const message of scan(store.records, range)) {
    keptAt = Math.max(keptAt, timeOf(message));
    const mark = String(message.seq);
    const kept = messageOf(message);
    const recording = recordingOf(kept);
    const invocation = decodeRecord(kept);
    yield { mark, invocation, keptAt, ...(recording === undefined ? {} : { recording }) };
  }
}

/** Undefined: there is no such stream yet, and no server of a version that has it was started. */
async function valuesState(store: NatsStore): Promise<StreamState | undefined> {
  try {
    return await store.values.state();
  } catch (error) {
    if (isNotFound((error as Error).cause)) return undefined;
    throw error;
  }
}

/** By their keys and not by their sequences: a value that is written meanwhile has another one. */
async function* valuesOf(store: NatsStore, copies: number | undefined): AsyncGenerator<KeptValue> {
  if (copies === undefined) return;
  const { layout, values } = store;
  const keys = new KeyReader(store, () => copies);
  const now = Date.now();
  const subjects = await values.subjects(`${layout.prefix}.state.>`);
  for (let at = 0; at < subjects.length; at += VALUES_AT_ONCE) {
    const some = subjects.slice(at, at + VALUES_AT_ONCE);
    const found = await Promise.all(some.map((subject) => keys.read(subject)));
    for (const [index, { current }] of found.entries()) {
      if (current === undefined || current.isDeleted || isOver(current, now)) continue;
      const { value, expiresAt } = current;
      const place = layout.placeOfValue(some[index]!);
      yield { ...place, value, ...(expiresAt === undefined ? {} : { expiresAt }) };
    }
  }
}

/**
 * Dead letters are read before the rows and after them: a redrive makes a row of one, and a last failed
 * attempt makes one of a row. Whatever is on its way from one to the other is seen as one of them.
 */
async function readState(store: NatsStore): Promise<Omit<LogState, "tail" | "revision">> {
  const places = await readPlaces(store);
  const letters = await deadLetters(store);
  const retries = await waitingRetries(store);
  for (const [id, letter] of await deadLetters(store)) letters.set(id, letter);
  return { places, retries, deadLetters: [...letters.values()] };
}

async function deadLetters(store: NatsStore): Promise<Map<string, DeadLetter>> {
  const letters = new Map<string, DeadLetter>();
  const { first, last } = await store.dead.state();
  for await (const { data } of scan(store.dead, { from: first, to: last })) {
    const letter = decodeJson<DeadLetter>(data);
    letters.set(letter.id, letter);
  }
  return letters;
}

async function waitingRetries(store: NatsStore): Promise<WaitingRetry[]> {
  const retries = new Map<string, WaitingRetry>();
  const { first, last } = await store.retries.state();
  const kept = `${store.layout.prefix}.retry.kept.`;
  for await (const { subject, data } of scan(store.retries, { from: first, to: last })) {
    const { name, position, attempt, dueAt } = decodeJson<RetryRow>(data);
    const holdsKey = subject.startsWith(kept);
    // Two rows: one is left from before the function was ordered, or was not. The newer one holds.
    retries.set(`${position} ${name}`, { function: name, position, attempt, dueAt, holdsKey });
  }
  return [...retries.values()];
}
