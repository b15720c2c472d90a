import { setTimeout as delay } from "node:timers/promises";

/** Why JetStream refuses something, in its own numbers (server/errors.json of nats-server). */
export const jetStreamCodes = {
  accountLimitsExceeded: 10_002,
  /** No servers that are fit for so many copies. */
  noPeers: 10_005,
  consumerNotFound: 10_014,
  insufficientResources: 10_023,
  memoryExceeded: 10_028,
  messageNotFound: 10_037,
  notEnabledForAccount: 10_039,
  storageExceeded: 10_047,
  messageTooLarge: 10_054,
  /** As a rule because the message is gone. */
  deleteFailed: 10_057,
  streamExists: 10_058,
  streamNotFound: 10_059,
  wrongLastSequence: 10_071,
  /** More than one copy, without a cluster. */
  notClustered: 10_074,
  notEnabled: 10_076,
  storeFailed: 10_077,
  consumerActive: 10_105,
  consumerExists: 10_148,
  wrongLastSequenceUnnamed: 10_164,
} as const;

const NOT_FOUND: ReadonlySet<number> = new Set([
  jetStreamCodes.streamNotFound,
  jetStreamCodes.consumerNotFound,
  jetStreamCodes.messageNotFound,
  jetStreamCodes.deleteFailed,
]);

const TOO_FEW_SERVERS: ReadonlySet<number> = new Set([
  jetStreamCodes.noPeers,
  jetStreamCodes.notClustered,
]);

/** No room on the server, in the account or in the stream. */
export const NO_ROOM: ReadonlySet<number> = new Set([
  jetStreamCodes.accountLimitsExceeded,
  jetStreamCodes.insufficientResources,
  jetStreamCodes.memoryExceeded,
  jetStreamCodes.storageExceeded,
  jetStreamCodes.messageTooLarge,
  jetStreamCodes.storeFailed,
]);

/** The number with which JetStream refused; 0: the error is not JetStream's. */
export function jetStreamCode(error: unknown): number {
  // The client's JetStreamApiError by its shape: this room knows no client.
  const isJetStreams = error instanceof Error && "apiError" in error && "code" in error;
  return isJetStreams ? Number(error.code) : 0;
}

/** Whether JetStream says that a stream, a consumer or a message is not there. */
export function isNotFound(error: unknown): boolean {
  return NOT_FOUND.has(jetStreamCode(error));
}

export interface Copies {
  /** Absent: as many as `found`; else as the cluster has room for. */
  readonly asked: number | undefined;
  /** As many as there are already. */
  readonly found?: number | undefined;
  /** Whether the server is one of a cluster. */
  readonly clustered: boolean;
}

/** With three copies one server may be lost; JetStream needs the other two to agree. */
const COPIES = 3;

/**
 * Lets `make` make something with that many copies, or with one, where nobody asked for a number and
 * there are too few servers. Rejects as `make` does.
 */
export async function withCopies<T>(
  { asked, found, clustered }: Copies,
  make: (copies: number) => Promise<T>,
): Promise<T> {
  const copies = asked ?? found ?? (clustered ? COPIES : 1);
  try {
    return await make(copies);
  } catch (error) {
    if (asked !== undefined || copies === 1 || !lacksServers(error)) throw error;
    return make(1);
  }
}

/** JetStream's error may be the cause of one of ours. */
function lacksServers(error: unknown): boolean {
  const { cause } = error as Error;
  return [error, cause].some((each) => TOO_FEW_SERVERS.has(jetStreamCode(each)));
}

const MAX_TRIES = 25;
const AGAIN_MS = 200;

/**
 * Tries for five seconds to make something in a stream that was made a moment ago, of which another
 * server of the cluster may not have heard yet. Rejects as `make` does.
 */
export async function onceKnown<T>(make: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await make();
    } catch (error) {
      if (!isNotFound(error) || tries === MAX_TRIES) throw error;
      await delay(AGAIN_MS);
    }
  }
}
