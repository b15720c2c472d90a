import type { NatsConnection } from "@nats-io/transport-node";
import { aborted } from "../core/aborted.ts";
import { NexusError } from "../core/errors.ts";
import type { PlatformSettings } from "../core/settings.ts";
import type { Dispatch } from "../dispatch/dispatch.ts";
import type { Functions } from "../functions/functions.ts";
import type { EventLog } from "../log/log.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { inboxSubject, openInbox } from "./inbox.ts";
import { runIngress } from "./ingress.ts";
import { RawSubscriptions } from "./raw-subscriptions.ts";
import { recheckRejected } from "./recheck.ts";

export interface NatsDoorDeps {
  /** Open; whoever opened it closes it, after the door. */
  readonly connection: NatsConnection;
  readonly log: EventLog;
  readonly functions: Functions;
  readonly dispatch: Dispatch;
  readonly telemetry: Telemetry;
  readonly settings: () => PlatformSettings;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

export interface NatsDoorOptions {
  /** In front of all the platform's subjects, streams and queue groups. */
  readonly prefix: string;
  /** Of the inbox; absent: as many as the event log has. */
  readonly replicas?: number;
  /** How long a node may keep a message of the inbox before another gets it. */
  readonly ackWaitMs?: number;
}

export interface NatsDoor {
  /**
   * Takes nothing new; resolves when what had come is taken, or when `signal` aborts: what is left in the
   * inbox then comes to another node, or again after the restart. Safe to call twice.
   */
  close(signal?: AbortSignal): Promise<void>;
}

const ACK_WAIT_MS = 30_000;

/**
 * Opens the door to NATS: the inbox that other programs publish events to, and the subjects of
 * `on.nats` triggers, followed as functions change. Resolves when both are served; LOG_UNAVAILABLE where
 * NATS does not answer or has no JetStream.
 */
export async function startNatsDoor(
  deps: NatsDoorDeps,
  options: NatsDoorOptions,
): Promise<NatsDoor> {
  const { prefix, replicas, ackWaitMs = ACK_WAIT_MS } = options;
  const { connection, log, functions, telemetry, settings, now } = deps;
  const inbox = { prefix, ackWaitMs, ...(replicas === undefined ? {} : { replicas }) };
  const raw = new RawSubscriptions({ ...deps, prefix });
  const closing = new AbortController();
  try {
    await openInbox(connection, inbox);
    raw.serve(functions.list());
    await connection.flush();
  } catch (error) {
    await raw.stop();
    throw new NexusError("LOG_UNAVAILABLE", `Cannot serve NATS: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const { signal } = closing;
  const running = [
    runIngress({ connection, inbox, log, telemetry, settings }, signal),
    recheckRejected(
      { log, logger: telemetry.logger, settings, inboxSubject: inboxSubject(prefix), now },
      signal,
    ),
    follow(),
  ];
  let closed: Promise<void> | undefined;
  return {
    async close(enough) {
      closed ??= close();
      await (enough === undefined ? closed : Promise.race([closed, aborted(enough)]));
    },
  };

  async function follow(): Promise<void> {
    for await (const versions of functions.changes(signal)) {
      if (!signal.aborted && !connection.isClosed()) raw.serve(versions);
    }
  }

  async function close(): Promise<void> {
    closing.abort();
    await Promise.all([raw.stop(), ...running]);
  }
}
