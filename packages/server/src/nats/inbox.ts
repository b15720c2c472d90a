import {
  AckPolicy,
  DiscardPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type Consumer,
  type JetStreamManager,
  type StreamAPI,
} from "@nats-io/jetstream";
import { nanos, type NatsConnection } from "@nats-io/transport-node";
import { jetStreamCode, jetStreamCodes, onceKnown } from "../core/jetstream.ts";

/** The stream that other programs publish to, and the one place where its names are made. */
export interface InboxSettings {
  /** In front of all subjects of the platform; in upper case in front of its streams. */
  readonly prefix: string;
  /** Absent: as many as the event log has. */
  readonly replicas?: number;
  /** After so long without an answer a message is given to somebody again. */
  readonly ackWaitMs: number;
}

const CONSUMER = "ingress";

/** In all, over all nodes: what waits to be tried again counts. */
const MAX_ACK_PENDING = 4096;

/** Its name is taken, with other settings. */
const CONSUMER_EXISTS: ReadonlySet<number> = new Set([
  jetStreamCodes.consumerActive,
  jetStreamCodes.consumerExists,
]);

export function inboxStream(prefix: string): string {
  return `${prefix.toUpperCase()}_INBOX`;
}

/** What every subject of the inbox begins with. */
export function inboxSubject(prefix: string): string {
  return `${prefix}.in.`;
}

/**
 * Makes the inbox, or brings it to these settings, and gives its consumer. Safe for many nodes at once.
 * Rejects as the NATS client does.
 */
export async function openInbox(
  connection: NatsConnection,
  settings: InboxSettings,
): Promise<Consumer> {
  const manager = await jetstreamManager(connection);
  const stream = inboxStream(settings.prefix);
  await makeStream(manager, stream, settings);
  await onceKnown(() => makeConsumer(manager, stream, settings));
  return jetstream(connection).consumers.get(stream, CONSUMER);
}

async function makeStream(
  { streams }: JetStreamManager,
  name: string,
  { prefix, replicas }: InboxSettings,
): Promise<void> {
  const changeable = {
    subjects: [`${inboxSubject(prefix)}>`],
    num_replicas: replicas ?? (await copiesOfLog(streams, prefix)),
    // A publisher must hear that there is no room. What was taken in is not thrown out for it.
    discard: DiscardPolicy.New,
  };
  try {
    await streams.add({
      ...changeable,
      name,
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
    });
  } catch (error) {
    if (jetStreamCode(error) !== jetStreamCodes.streamExists) throw error;
    await streams.update(name, changeable);
  }
}

/** The log is opened before the inbox; where it is not in NATS, one copy is what everybody has room for. */
async function copiesOfLog(streams: StreamAPI, prefix: string): Promise<number> {
  try {
    const { config } = await streams.info(`${prefix.toUpperCase()}_EVENTS`);
    return config.num_replicas;
  } catch (error) {
    if (jetStreamCode(error) === jetStreamCodes.streamNotFound) return 1;
    throw error;
  }
}

async function makeConsumer(
  { consumers }: JetStreamManager,
  stream: string,
  { ackWaitMs }: InboxSettings,
): Promise<void> {
  const changeable = { ack_wait: nanos(ackWaitMs), max_ack_pending: MAX_ACK_PENDING };
  try {
    await consumers.add(stream, {
      ...changeable,
      durable_name: CONSUMER,
      ack_policy: AckPolicy.Explicit,
      max_deliver: -1,
    });
  } catch (error) {
    if (!CONSUMER_EXISTS.has(jetStreamCode(error))) throw error;
    await consumers.update(stream, CONSUMER, changeable);
  }
}
