import type { Invocation } from "../../../core/invocation.ts";
import type { FunctionPlace, LogState } from "../../transfer.ts";
import { withJetStream } from "./answers.ts";
import { importMark } from "./importing.ts";
import { timeOf } from "./reader.ts";
import { scan } from "./scan.ts";
import { messageOf, type NatsStore } from "./store.ts";
import { decodeRecord, settledElsewhere } from "./wire.ts";

/** Records are looked for from the time of their event on; the clocks of servers may differ by so much. */
const CLOCKS_APART_MS = 60_000;

/** How far JetStream knows that each function has come: everything up to there is acknowledged. */
export async function readPlaces(store: NatsStore): Promise<FunctionPlace[]> {
  const { manager, layout, events } = store;
  const { last } = await events.state();
  return withJetStream("look at the consumers", async () => {
    const places: FunctionPlace[] = [];
    for await (const info of manager.consumers.list(layout.events)) {
      const { name, ack_floor: floor, num_pending: pending, num_ack_pending: out } = info;
      const high = pending + out === 0 ? Math.max(floor.stream_seq, last) : floor.stream_seq;
      places.push({ function: name, high, open: [], done: [] });
    }
    return places;
  });
}

/**
 * Adds what was settled beyond the places. JetStream does not tell which messages after the first that is
 * open were acknowledged; their records do, and the rows of those that wait for another attempt.
 */
export async function withSettled(
  store: NatsStore,
  state: Omit<LogState, "tail">,
  last: { readonly record: number; readonly event: number },
): Promise<Omit<LogState, "tail">> {
  const { places, retries } = state;
  const behind = new Map<string, { readonly high: number; readonly done: Set<number> }>();
  for (const { function: name, high } of places) {
    if (high < last.event) behind.set(name, { high, done: new Set() });
  }
  if (behind.size === 0) return state;
  const settled = (name: string, position: number): void => {
    const place = behind.get(name);
    if (place !== undefined && position > place.high) place.done.add(position);
  };
  for (const { function: name, position } of retries) settled(name, position);
  const from = Math.min(...[...behind.values()].map(({ high }) => high)) + 1;
  const to = last.event;
  // What came from another log may have been settled there.
  const imported = (await importMark(store))?.last ?? 0;
  for await (const message of scan(store.events, { from, to: imported })) {
    for (const name of behind.keys()) {
      if (settledElsewhere(messageOf(message), name)) settled(name, message.seq);
    }
  }
  for await (const record of recordsSince(store, from, last.record)) {
    const { delivery, position } = record;
    const place = behind.get(record.function);
    if (place === undefined || position <= place.high || place.done.has(position)) continue;
    if ((delivery === "done" || delivery === "dead") && (await isWhole(store, record, to))) {
      settled(record.function, position);
    }
  }
  return {
    ...state,
    places: places.map((place) => {
      const done = behind.get(place.function)?.done ?? [];
      return { ...place, done: [...done].sort((a, b) => a - b) };
    }),
  };
}

async function* recordsSince(
  store: NatsStore,
  from: number,
  to: number,
): AsyncGenerator<Invocation> {
  const first = await store.events.next(">", from);
  if (first === undefined) return;
  const start = await store.records.since(timeOf(first) - CLOCKS_APART_MS);
  for await (const message of scan(store.records, { from: start, to })) {
    yield decodeRecord(messageOf(message));
  }
}

/** Whether what the run emitted is there too: the record may have been kept a moment before. */
async function isWhole(store: NatsStore, { emitted }: Invocation, last: number): Promise<boolean> {
  const found = await Promise.all(
    emitted.map((id) => store.events.last(store.layout.eventById(id, undefined))),
  );
  return found.every((message) => message !== undefined && message.seq <= last);
}
