import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type ConnectionOptions, type NatsConnection } from "@nats-io/transport-node";
import { parseNatsServer, type NatsOptions } from "../core/nats.ts";
import type { Logger } from "../telemetry/telemetry.ts";
import { authenticatorOf, checkTlsFiles } from "./identity.ts";
import { checkVersion, connectError, jetStreamError, mayPass } from "./nats-error.ts";
import { Outage } from "./outage.ts";
import { watchConnection } from "./watch-connection.ts";

export interface ConnectContext {
  readonly logger: Logger;
  /** What NATS calls this client. */
  readonly name: string;
  /** How long the first connection is tried for. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 30_000;
const ATTEMPT_MS = 5000;
/** A connection that leaves two of these unanswered is given up: how a partition is noticed. */
const PING_MS = 5000;

/**
 * Connects to NATS, makes sure that it can keep the log, and stays connected: a connection that breaks
 * is made again, for ever, and the log tells. Its opener ends it with `close()`: disposing drains it, which fails
 * while it is broken. Rejects with NATS_UNREACHABLE when no server
 * answers in time or the credentials are refused, with NATS_UNSUPPORTED when the server is too old or
 * has no JetStream for this account, with CONFIG_INVALID when a file cannot be used, and with the
 * signal's reason when that aborts.
 */
export async function connectNats(
  options: NatsOptions,
  context: ConnectContext,
  signal?: AbortSignal,
): Promise<NatsConnection> {
  const { logger, patienceMs = PATIENCE_MS } = context;
  const servers = options.servers.map(parseNatsServer);
  const addresses = servers.map(({ address }) => address).join(", ");
  const outage = new Outage();
  const tls = options.tls ?? (servers.some(({ tls }) => tls) ? {} : undefined);
  if (tls !== undefined) checkTlsFiles(tls);
  const settings: ConnectionOptions = {
    name: context.name,
    servers: servers.map(({ address }) => address),
    authenticator: authenticatorOf(servers, options.auth),
    ...(tls === undefined ? {} : { tls }),
    timeout: ATTEMPT_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    maxReconnectAttempts: -1,
    // Credentials may be renewed while the server runs.
    ignoreAuthErrorAbort: true,
    reconnectDelayHandler: () => outage.delayMs(),
  };
  for (;;) {
    signal?.throwIfAborted();
    try {
      const connection = await abortable(open(settings, addresses), signal);
      // Ends with the connection, which its opener closes.
      void watchConnection(connection, outage, logger);
      return connection;
    } catch (error) {
      signal?.throwIfAborted();
      const failure = connectError(error, addresses);
      const waitMs = outage.delayMs();
      if (!mayPass(failure) || outage.lastedMs + waitMs > patienceMs) throw failure;
      logger.warn("NATS is not there yet, trying again", {
        error: failure.message,
        retry_in_ms: waitMs,
      });
      await pause(waitMs, signal);
    }
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    signal?.throwIfAborted();
  }
}

/** A connection to a NATS that can keep the log. */
async function open(settings: ConnectionOptions, addresses: string): Promise<NatsConnection> {
  const connection = await connect(settings);
  try {
    checkVersion(connection.info?.version ?? "", connection.getServer());
    await jetstreamManager(connection).catch((error: unknown) => {
      throw jetStreamError(error, connection, addresses);
    });
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Does not wait longer than the signal lets it; a connection that comes too late is closed. */
async function abortable(
  opening: Promise<NatsConnection>,
  signal: AbortSignal | undefined,
): Promise<NatsConnection> {
  if (signal === undefined) return opening;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([opening, aborted.promise]);
  } catch (error) {
    opening.then(
      (late) => late.close(),
      () => undefined, // thrown above, or of no interest any more
    );
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
