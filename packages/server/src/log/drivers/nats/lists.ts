import type { StoredEvent } from "../../../core/event.ts";
import type { DeadLetter, Invocation } from "../../../core/invocation.ts";
import { typeMatches } from "../../../core/pattern.ts";
import type {
  DeadLetterFilter,
  EventFilter,
  InvocationFilter,
  Page,
  PageRequest,
} from "../../log.ts";
import { readPage } from "./pages.ts";
import { bringRow, type RetryRow } from "./retries.ts";
import { eventOf, messageOf, type NatsStore, remove } from "./store.ts";
import { decodeJson, decodeRecord, type Message, recordingOf } from "./wire.ts";

/** Records are looked for from the time in their id on; clocks may differ by so much. */
const CLOCKS_APART_MS = 60_000;

export async function findEvent(
  store: NatsStore,
  id: string,
  source: string | undefined,
): Promise<StoredEvent | undefined> {
  const message = await store.events.last(store.layout.eventById(id, source));
  return message === undefined ? undefined : eventOf(message);
}

export async function listEvents(
  store: NatsStore,
  filter: EventFilter,
  page: PageRequest,
): Promise<Page<StoredEvent>> {
  const { type, source, since, until } = filter;
  const { events: reader, layout } = store;
  const { first, last } = await reader.state();
  return readPage(
    {
      reader,
      list: "events",
      mark: [type, source],
      subject: layout.eventFilter(type, source),
      from: since === undefined ? first : await reader.since(since),
      before: until === undefined ? last + 1 : await reader.since(until),
      item(message) {
        const stored = eventOf(message);
        if (stored === undefined) return undefined;
        const { event } = stored;
        const fits =
          (type === undefined || typeMatches(type, event.type)) &&
          (source === undefined || event.source === source);
        return fits ? stored : undefined;
      },
    },
    page,
  );
}

export async function getInvocation(store: NatsStore, id: string): Promise<Invocation | undefined> {
  const message = await findRecord(store, id);
  return message === undefined ? undefined : decodeRecord(message);
}

export async function getRecording(store: NatsStore, id: string): Promise<Uint8Array | undefined> {
  const message = await findRecord(store, id);
  return message === undefined ? undefined : recordingOf(message);
}

async function findRecord(store: NatsStore, id: string): Promise<Message | undefined> {
  const startedAt = timeOfId(id);
  if (startedAt === undefined) return undefined;
  const from = await store.records.since(startedAt - CLOCKS_APART_MS);
  const message = await store.records.next(store.layout.recordById(id), from);
  return message === undefined ? undefined : messageOf(message);
}

export async function listInvocations(
  store: NatsStore,
  filter: InvocationFilter,
  page: PageRequest,
): Promise<Page<Invocation>> {
  const { function: name, status, since } = filter;
  const { records: reader, layout } = store;
  const { first, last } = await reader.state();
  return readPage(
    {
      reader,
      list: "invocations",
      mark: [name, status],
      subject: layout.recordFilter(name, status),
      // A run that began later was not on record before.
      from: since === undefined ? first : await reader.since(since - CLOCKS_APART_MS),
      before: last + 1,
      item(message) {
        const record = decodeRecord(messageOf(message));
        const fits =
          (name === undefined || record.function === name) &&
          (status === undefined || record.status === status) &&
          (since === undefined || Date.parse(record.started_at) >= since);
        return fits ? record : undefined;
      },
    },
    page,
  );
}

export async function invocationsOf(store: NatsStore, position: number): Promise<Invocation[]> {
  const subjects = await store.records.subjects(store.layout.recordsOf(position));
  const messages = await Promise.all(subjects.map((subject) => store.records.last(subject)));
  return messages
    .filter((message) => message !== undefined)
    .sort((a, b) => a.seq - b.seq)
    .map((message) => decodeRecord(messageOf(message)));
}

export async function getDeadLetter(store: NatsStore, id: string): Promise<DeadLetter | undefined> {
  const message = await store.dead.last(store.layout.deadById(id));
  return message === undefined ? undefined : decodeJson<DeadLetter>(message.data);
}

export async function listDeadLetters(
  store: NatsStore,
  filter: DeadLetterFilter,
  page: PageRequest,
): Promise<Page<DeadLetter>> {
  const { function: name, type } = filter;
  const { dead: reader, layout } = store;
  const { first, last } = await reader.state();
  return readPage(
    {
      reader,
      list: "dead-letters",
      mark: [name, type],
      subject: layout.deadFilter(name),
      from: first,
      before: last + 1,
      item(message) {
        const letter = decodeJson<DeadLetter>(message.data);
        const fits =
          (name === undefined || letter.function === name) &&
          (type === undefined || typeMatches(type, letter.event_type));
        return fits ? letter : undefined;
      },
    },
    page,
  );
}

/**
 * The row first, then the letter goes: cut off in between, the delivery comes and the letter is there
 * once more to be seen, and nothing is lost. Of several at once, one removes the letter.
 */
export async function redrive(store: NatsStore, id: string, nowMs: number): Promise<boolean> {
  const message = await store.dead.last(store.layout.deadById(id));
  if (message === undefined) return false;
  const letter = decodeJson<DeadLetter>(message.data);
  const row: RetryRow = {
    name: letter.function,
    position: letter.position,
    type: letter.event_type,
    attempt: 1,
    dueAt: nowMs,
    nonce: letter.id,
  };
  await bringRow(store, row);
  return remove(store.manager, store.layout.dead, message.seq);
}

// UUIDv7: the first 48 bits are milliseconds.
function timeOfId(id: string): number | undefined {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7/.test(id) || id.length !== 36) return undefined;
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
