import type { Keep, RetentionPolicy, Trimmed } from "../../log.ts";
import { withJetStream } from "./answers.ts";
import type { StreamReader } from "./reader.ts";
import { type NatsStore, purgeBefore, remove } from "./store.ts";
import { decodeJson } from "./wire.ts";

/** Messages removed one by one in a step, where something among them is still needed. */
const STEP = 200;

/**
 * Removes what retention does not keep: from the front of a stream at once, and one by one behind
 * events that a delivery, a retry or a dead letter still needs.
 */
export async function trim(
  store: NatsStore,
  policy: RetentionPolicy,
  options: { readonly now: () => number; readonly signal?: AbortSignal | undefined },
): Promise<Trimmed> {
  const { now, signal } = options;
  const sweep = async (reader: StreamReader, keep: Keep, needed: () => Promise<Needed>) => {
    const end = await endOf(reader, keep, now());
    if (end === undefined || signal?.aborted === true) return 0;
    return removeBefore(store, reader, { end, needed: await needed(), signal });
  };
  const invocations = await sweep(store.records, policy.invocations, () =>
    Promise.resolve(NOTHING),
  );
  const events = await sweep(store.events, policy.events, () => neededEvents(store));
  return { events, invocations };
}

interface Needed {
  /** Everything from here on. */
  readonly from: number;
  /** And these before. */
  readonly single: ReadonlySet<number>;
}

const NOTHING: Needed = { from: Infinity, single: new Set() };

/** The first sequence that stays; undefined: all of them do. */
async function endOf(
  reader: StreamReader,
  { maxAgeMs = Infinity, maxBytes = Infinity }: Keep,
  nowMs: number,
): Promise<number | undefined> {
  const { messages, bytes, first, last } = await reader.state();
  if (messages === 0) return undefined;
  let end = first;
  if (maxAgeMs !== Infinity) end = Math.max(end, await reader.since(nowMs - maxAgeMs));
  if (bytes > maxBytes) {
    // A stream tells the bytes of all its messages, not of each: the oldest are taken for average ones.
    const tooMany = Math.ceil((bytes - maxBytes) / (bytes / messages));
    end = Math.max(end, tooMany >= messages ? last + 1 : await nth(reader, first, tooMany));
  }
  return end > first ? end : undefined;
}

/** The sequence with so many messages before it. Between the first and it there may be gaps. */
async function nth(reader: StreamReader, first: number, count: number): Promise<number> {
  const { messages, last } = await reader.state();
  if (last - first + 1 === messages) return first + count;
  let sequence = first;
  for (let passed = 0; passed < count; passed += 1) {
    const message = await reader.next(">", sequence);
    if (message === undefined) break;
    sequence = message.seq + 1;
  }
  return sequence;
}

async function removeBefore(
  store: NatsStore,
  reader: StreamReader,
  options: { end: number; needed: Needed; signal: AbortSignal | undefined },
): Promise<number> {
  const { needed, signal } = options;
  const end = Math.min(options.end, needed.from);
  const inFront = [...needed.single].filter((sequence) => sequence < end);
  const clear = Math.min(end, ...inFront);
  let removed = await purgeBefore(store, { stream: reader.stream, before: clear });
  if (clear === end) return removed;
  let next = clear;
  while (next < end) {
    if (signal?.aborted === true) break;
    const step = await stepFrom(reader, next, { end, keep: needed.single });
    const gone = await Promise.all(
      step.found.map((one) => remove(store.manager, reader.stream, one)),
    );
    removed += gone.filter((was) => was).length;
    next = step.next;
  }
  return removed;
}

/** The next messages that may go, and where to look after them. */
async function stepFrom(
  reader: StreamReader,
  from: number,
  { end, keep }: { end: number; keep: ReadonlySet<number> },
): Promise<{ found: number[]; next: number }> {
  const found: number[] = [];
  let next = from;
  while (found.length < STEP) {
    const message = await reader.next(">", next);
    if (message === undefined || message.seq >= end) return { found, next: end };
    if (!keep.has(message.seq)) found.push(message.seq);
    next = message.seq + 1;
  }
  return { found, next };
}

/** What deliveries, retries and dead letters of whatever function still need. */
async function neededEvents(store: NatsStore): Promise<Needed> {
  const { manager, layout } = store;
  const single = new Set<number>();
  for (const subject of await store.retries.subjects(`${layout.prefix}.retry.>`)) {
    single.add(Number(subject.slice(subject.lastIndexOf(".") + 1)));
  }
  for (const subject of await store.dead.subjects(`${layout.prefix}.dead.>`)) {
    const message = await store.dead.last(subject);
    if (message !== undefined) single.add(decodeJson<{ position: number }>(message.data).position);
  }
  let from = Infinity;
  const consumers = await withJetStream("look at the consumers", async () => {
    const all = [];
    for await (const info of manager.consumers.list(layout.events)) all.push(info);
    return all;
  });
  for (const { num_pending, num_ack_pending, num_waiting, ack_floor, config } of consumers) {
    // Nobody has something of it and nobody asks: its function is not served any more.
    if (num_waiting + num_ack_pending === 0) continue;
    if (num_pending + num_ack_pending === 0) continue;
    const floor = ack_floor.stream_seq + 1;
    const filters = config.filter_subjects ?? [config.filter_subject ?? ">"];
    for (const filter of filters) {
      const next = await store.events.next(filter, floor);
      if (next !== undefined) from = Math.min(from, next.seq);
    }
  }
  return { from, single };
}
