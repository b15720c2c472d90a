import { setTimeout as delay } from "node:timers/promises";
import {
  AckPolicy,
  DiscardPolicy,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type Consumer,
  type JetStreamManager,
  type StreamAPI,
} from "@nats-io/jetstream";
import { nanos, type NatsConnection } from "@nats-io/transport-node";

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

const MAX_TRIES = 25;
const AGAIN_MS = 200;
// JetStream's own numbers. The last ones: that name is taken, with other settings.
const STREAM_NOT_FOUND = 10_059;
const STREAM_EXISTS = 10_058;
const CONSUMER_EXISTS = new Set([10_105, 10_148]);

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

/** Another server of the cluster may not have heard yet of a stream that was made a moment ago. */
async function onceKnown(make: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await make();
    } catch (error) {
      if (!isApiError(error) || error.code !== STREAM_NOT_FOUND || tries === MAX_TRIES) throw error;
      await delay(AGAIN_MS);
    }
  }
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
    if (!isApiError(error) || error.code !== STREAM_EXISTS) throw error;
    await streams.update(name, changeable);
  }
}

/** The log is opened before the inbox; where it is not in NATS, one copy is what everybody has room for. */
async function copiesOfLog(streams: StreamAPI, prefix: string): Promise<number> {
  try {
    const { config } = await streams.info(`${prefix.toUpperCase()}_EVENTS`);
    return config.num_replicas;
  } catch (error) {
    if (isApiError(error) && error.code === STREAM_NOT_FOUND) return 1;
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
    if (!isApiError(error) || !CONSUMER_EXISTS.has(error.code)) throw error;
    await consumers.update(stream, CONSUMER, changeable);
  }
}

function isApiError(error: unknown): error is JetStreamApiError {
  return error instanceof JetStreamApiError;
}
