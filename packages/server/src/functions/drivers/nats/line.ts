import type { NatsConnection } from "@nats-io/transport-node";
import { NexusError } from "../../../core/errors.ts";
import { jetStreamCode, NO_ROOM } from "../../../core/jetstream.ts";

/** A connection, and whether it stands: what is asked while it does not is lost without an answer. */
export class Line {
  readonly connection: NatsConnection;
  #up = true;
  #unbroken = new AbortController();

  constructor(connection: NatsConnection) {
    this.connection = connection;
    // Ends with the connection.
    void this.#follow();
  }

  /** Aborts when the connection has been lost and made again. */
  get unbroken(): AbortSignal {
    return this.#unbroken.signal;
  }

  /** Asks JetStream; whatever it answers but success becomes LOG_UNAVAILABLE or LOG_FULL. */
  async ask<T>(what: string, question: () => Promise<T>): Promise<T> {
    if (!this.#up) {
      throw new NexusError("LOG_UNAVAILABLE", `Cannot ${what}: NATS cannot be reached`);
    }
    try {
      return await question();
    } catch (cause) {
      if (cause instanceof NexusError) throw cause;
      const full = NO_ROOM.has(jetStreamCode(cause));
      const { message } = cause as Error;
      throw new NexusError(full ? "LOG_FULL" : "LOG_UNAVAILABLE", `Cannot ${what}: ${message}`, {
        cause,
      });
    }
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === "disconnect") this.#up = false;
      if (type !== "reconnect") continue;
      this.#up = true;
      this.#unbroken.abort();
      this.#unbroken = new AbortController();
    }
    this.#up = false;
  }
}
