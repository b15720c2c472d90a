import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { natsLog } from "../drivers/nats.ts";
import type { TestStore } from "./fixtures.ts";

/** A log of its own on these servers; its streams go when it is disposed. */
export function natsStore(servers: readonly string[], prefix: string): TestStore {
  const options = { servers: [...servers] };
  return {
    async open(now) {
      const connection = await connect(options);
      const log = await natsLog({ connection, prefix, ...(now === undefined ? {} : { now }) });
      return {
        ...log,
        async [Symbol.asyncDispose]() {
          await log[Symbol.asyncDispose]();
          await connection.close();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      const connection = await connect(options);
      const { streams } = await jetstreamManager(connection);
      const upper = `${prefix.toUpperCase()}_`;
      for await (const name of streams.names()) {
        if (name.startsWith(upper)) await streams.delete(name);
      }
      await connection.close();
    },
  };
}
