import type { NatsConnection, Status } from "@nats-io/transport-node";
import type { Logger } from "../telemetry/telemetry.ts";
import type { Outage } from "./outage.ts";
import { atLeast, MIN_NATS_VERSION } from "../core/nats-version.ts";

/** Logs what becomes of a connection until it is closed, and keeps `outage`. */
export async function watchConnection(
  connection: NatsConnection,
  outage: Outage,
  logger: Logger,
): Promise<void> {
  for await (const status of connection.status()) report(status);

  function report(status: Status): void {
    switch (status.type) {
      case "disconnect":
        outage.begin();
        if (connection.isClosed()) return;
        logger.warn("NATS is lost, connecting again", { server: status.server });
        return;
      case "reconnect":
        logger.info("NATS is back", {
          server: status.server,
          after_ms: Math.round(outage.lastedMs),
        });
        checkAgain();
        return;
      case "error":
        logger.warn("NATS reports an error", { error: status.error.message });
        return;
      case "ldm":
        logger.info("NATS server is about to stop, connecting to another", {
          server: status.server,
        });
        return;
      case "staleConnection":
        logger.warn("NATS does not answer", { server: connection.getServer() });
        return;
      case "slowConsumer":
        logger.warn("NATS messages come faster than they are handled", {
          subject: status.sub.getSubject(),
          pending: status.pending,
        });
        return;
      case "reconnecting":
      case "update":
      case "ping":
      case "forceReconnect":
      case "close":
    }
  }

  // The servers of a cluster are upgraded, or not, one by one.
  function checkAgain(): void {
    const version = connection.info?.version ?? "";
    if (atLeast(version, MIN_NATS_VERSION)) return;
    logger.error("NATS server is too old for what is kept there", {
      server: connection.getServer(),
      version,
      needed: MIN_NATS_VERSION,
    });
  }
}
