import type { Invocation, InvocationError } from "../../../core/invocation.ts";
import type { NewEvent } from "../../../core/event.ts";
import { deadLetterOf } from "../../dead-letter.ts";
import type { Delivery, Settlement } from "../../log.ts";
import type { RetryKind } from "./layout.ts";
import { forgetRetry, keepRetry, type RetryRow } from "./retries.ts";
import type { NatsStore } from "./store.ts";
import { encodeJson, onceOnly, type Run } from "./wire.ts";

export interface Settled {
  readonly delivery: Delivery;
  readonly settlement: Settlement;
  /** With another attempt to come, which it is, and who brings it. */
  readonly retry?: { readonly kind: RetryKind; readonly row: RetryRow };
  /** Whether a row may be there from before. */
  readonly hasRow: boolean;
  readonly now: () => number;
}

/**
 * Keeps all that a settlement says, before the delivery itself is acknowledged. Whatever of it was kept
 * already, by a try that was cut off, is not kept twice.
 */
export async function keepSettled(store: NatsStore, settled: Settled): Promise<void> {
  const { delivery, settlement, retry, hasRow, now } = settled;
  const { invocation, emitted, next } = settlement;
  // The record comes last: who finds it may take the delivery for settled.
  await Promise.all([
    ...(retry === undefined ? [] : [keepRetry(store, retry.kind, retry.row)]),
    ...(next.state === "dead" ? [bury(store, invocation, { error: next.error, at: now() })] : []),
  ]);
  await keepRun(store, settlement, emitted);
  if (retry === undefined && hasRow) {
    await forgetRetry(store, { name: delivery.name, position: delivery.stored.position });
  }
}

/** Keeps the events that a run emitted, then its record and its recording. */
export async function keepRun(
  store: NatsStore,
  run: Run,
  emitted: readonly NewEvent[],
): Promise<void> {
  await Promise.all(emitted.map((event) => store.publishEvent(event)));
  await store.publishRun(run);
}

async function bury(
  store: NatsStore,
  last: Invocation,
  dead: { readonly error: InvocationError; readonly at: number },
): Promise<void> {
  const letter = deadLetterOf(last, { ...dead, id: `dl_${last.id}` });
  const subject = store.layout.deadLetter(letter.function, letter.id);
  await store.channel.publish(subject, encodeJson(letter), onceOnly());
}
