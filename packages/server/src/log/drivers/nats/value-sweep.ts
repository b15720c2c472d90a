import { AckPolicy, DeliverPolicy, jetstream } from "@nats-io/jetstream";
import { withJetStream } from "./answers.ts";
import { type NatsStore, purgeBefore, remove } from "./store.ts";
import { fateOf, isOver, type KeptValue } from "./value-messages.ts";
import type { KeyReader } from "./value-versions.ts";

/** Heads read, and messages removed, in one step. */
const STEP = 500;
/** How long a step waits for its heads, in milliseconds. */
const WAIT_MS = 5_000;
/** A sweep reads the head of each message there is: not every time that the log is trimmed. */
const EVERY_MS = 10 * 60_000;
/**
 * A message stays so long after it was stored, in milliseconds. A server that is killed may have forgotten
 * that the message before it on its subject is gone; as long as this one is there, that one is removed
 * again. Servers write such things down every two minutes at the latest.
 */
const SETTLED_MS = 3_600_000;
/** How long the server keeps the consumer of a sweep that was cut off. */
const INACTIVE_MS = 60_000;

/** When one process sweeps. */
export class SweepTimes {
  #last = -Infinity;

  isDue(now: number): boolean {
    return Math.abs(now - this.#last) >= EVERY_MS;
  }

  swept(now: number): void {
    this.#last = now;
  }
}

/**
 * Removes values whose time has come, and what deleted ones have left. What is written meanwhile stays. Of
 * several processes that sweep at once, each does a part.
 */
export async function sweepValues(
  store: NatsStore,
  keys: KeyReader,
  { now, signal }: { readonly now: number; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const { manager, layout } = store;
  const several = await dropVersions(store, keys, { now, signal });
  for await (const over of ended(store, { now, several })) {
    if (signal?.aborted === true) return;
    await Promise.all(over.map((one) => remove(manager, layout.values, one)));
  }
}

interface Sweep {
  readonly now: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Of keys with several messages, removes what was before the entry, and all of it where that has ended.
 * Resolves with their subjects.
 */
async function dropVersions(
  { manager, layout, values, replicas }: NatsStore,
  keys: KeyReader,
  { now, signal }: Sweep,
): Promise<ReadonlySet<string>> {
  const several = new Set<string>();
  if (replicas === 1) return several;
  for (const [subject, count] of await values.counts(`${layout.prefix}.state.>`)) {
    if (count > 1) several.add(subject);
  }
  for (const subject of several) {
    if (signal?.aborted === true) break;
    const { current, last } = await keys.read(subject);
    if (current === undefined) continue;
    // From the oldest on, whatever goes: the first that is left has to count.
    const before = hasEnded(current, now) ? last + 1 : current.sequence;
    await purgeBefore({ manager }, { stream: layout.values, before, filter: subject });
  }
  return several;
}

function hasEnded(
  value: Pick<KeptValue, "isDeleted" | "expiresAt" | "storedAt">,
  now: number,
): boolean {
  return (value.isDeleted || isOver(value, now)) && now - value.storedAt >= SETTLED_MS;
}

/** Sequences of what may go, step by step, but for `several`. */
async function* ended(
  store: NatsStore,
  { now, several }: { readonly now: number; readonly several: ReadonlySet<string> },
): AsyncGenerator<readonly number[]> {
  const { manager, layout, channel } = store;
  if ((await store.values.state()).messages === 0) return;
  const look = <T>(ask: () => Promise<T>): Promise<T> =>
    withJetStream(`look through ${layout.values}`, ask);
  const { name } = await look(() =>
    manager.consumers.add(layout.values, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.All,
      headers_only: true,
      inactive_threshold: INACTIVE_MS * 1e6,
      mem_storage: true,
      num_replicas: 1,
    }),
  );
  try {
    const consumer = await look(() =>
      jetstream(channel.connection).consumers.get(layout.values, name),
    );
    for (let isMore = true; isMore;) {
      const over: number[] = [];
      isMore = await look(async () => {
        let pending = 0; // where none come, something is wrong, and the next sweep is another try
        const heads = await consumer.fetch({ max_messages: STEP, expires: WAIT_MS });
        for await (const { seq, subject, headers, info, time } of heads) {
          const value = { ...fateOf(headers), storedAt: time.getTime() };
          if (!several.has(subject) && hasEnded(value, now)) over.push(seq);
          ({ pending } = info);
          if (pending === 0) break;
        }
        return pending > 0;
      });
      yield over;
    }
  } finally {
    // Where that fails, the server drops it by itself after a while.
    await manager.consumers.delete(layout.values, name).catch(() => undefined);
  }
}
