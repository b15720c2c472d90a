import type { NatsConnection } from "@nats-io/transport-node";

/**
 * Answers a message. Where the connection is closed for good nobody can be told, and nothing happens: who
 * asked runs out of time, and what was not acknowledged comes again.
 */
export function tell(connection: NatsConnection, answer: () => void): void {
  if (connection.isClosed() || connection.isDraining()) return;
  answer();
}
