import { AckPolicy, type ConsumerConfig, DeliverPolicy } from "@nats-io/jetstream";
import { isNotFound } from "../../../core/jetstream.ts";
import type { Subscription } from "../../log.ts";
import { withJetStream } from "./answers.ts";
import type { NatsStore } from "./store.ts";

/** Messages of an ordered function that are out, or wait for their key or their next attempt. */
export const MAX_OUTSTANDING = 2048;

export interface PlaceOptions {
  readonly subscription: Subscription;
  /** How long JetStream waits for a sign of life from whoever has a delivery, in milliseconds. */
  readonly ackWaitMs: number;
}

/**
 * A function's place in the log: a durable consumer. Made where there is none; changed where another
 * version of the function wants other events or another concurrency. LOG_UNAVAILABLE.
 */
export async function ensureConsumer(
  store: NatsStore,
  name: string,
  options: PlaceOptions,
): Promise<void> {
  const { manager, layout } = store;
  const { orderKey, concurrency } = options.subscription;
  const wanted = {
    ack_wait: options.ackWaitMs * 1e6,
    max_ack_pending: orderKey === undefined ? concurrency : MAX_OUTSTANDING,
    ...filters(store, options.subscription),
  };
  const durable = layout.consumer(name);
  await withJetStream(`set up the consumer of "${name}"`, async () => {
    try {
      const { config } = await manager.consumers.info(layout.events, durable);
      if (!same(config, wanted)) await manager.consumers.update(layout.events, durable, wanted);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const { start } = options.subscription;
      await manager.consumers.add(layout.events, {
        durable_name: durable,
        ack_policy: AckPolicy.Explicit,
        deliver_policy: start === "latest" ? DeliverPolicy.New : DeliverPolicy.All,
        ...wanted,
      });
    }
  });
}

type Filters = Pick<ConsumerConfig, "filter_subject" | "filter_subjects">;

// A server before 2.10 knows one filter for a consumer. Where more are needed, it hands out everything,
// and what nobody wants is dropped here. Servers refuse both kinds at once: where one of them is set, the
// other is emptied.
function filters(store: NatsStore, { name, patterns, patternsOnly }: Subscription): Filters {
  const { layout, severalFilters } = store;
  const subjects = layout.subscription(name, patterns);
  if (subjects.length === 1) {
    return { filter_subject: subjects[0]!, ...(severalFilters && { filter_subjects: [] }) };
  }
  if (severalFilters) return { filter_subject: "", filter_subjects: subjects };
  const [only, ...more] = layout.anybodysTypes(patterns);
  const one = patternsOnly === true && more.length === 0;
  return { filter_subject: one ? only! : `${layout.prefix}.ev.>` };
}

function same(config: ConsumerConfig, wanted: Filters & Partial<ConsumerConfig>): boolean {
  const text = ({ ack_wait, max_ack_pending, ...rest }: Partial<ConsumerConfig>): string =>
    JSON.stringify([
      ack_wait,
      max_ack_pending,
      rest.filter_subject ?? "",
      rest.filter_subjects ?? [],
    ]);
  return text(config) === text(wanted);
}
