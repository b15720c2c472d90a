import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { embeddedLog } from "../drivers/embedded.ts";
import { embeddedSource } from "../drivers/embedded/source.ts";
import { embeddedTarget } from "../drivers/embedded/target.ts";
import { natsSource } from "../drivers/nats/source.ts";
import { natsTarget } from "../drivers/nats/target.ts";
import { natsStore } from "./nats-store.ts";
import type { TransferStore } from "./transfer.ts";

export async function embeddedTransferStore(): Promise<TransferStore> {
  const dir = await mkdtemp(join(tmpdir(), "nexus-log-"));
  return {
    open: (now) => embeddedLog(now === undefined ? { dir } : { dir, now }),
    source: () => embeddedSource(dir),
    target: () => embeddedTarget(dir),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  };
}

export function natsTransferStore(servers: readonly string[], prefix: string): TransferStore {
  return {
    ...natsStore(servers, prefix),
    source: () => connected(servers, (connection) => natsSource({ connection, prefix })),
    target: () => connected(servers, (connection) => natsTarget({ connection, prefix })),
  };
}

/** What `open` opens on a connection of its own, which ends with it. */
async function connected<T extends AsyncDisposable>(
  servers: readonly string[],
  open: (connection: NatsConnection) => Promise<T>,
): Promise<T> {
  const connection = await connect({ servers: [...servers] });
  try {
    const opened = await open(connection);
    const close = opened[Symbol.asyncDispose].bind(opened);
    opened[Symbol.asyncDispose] = async () => {
      await close();
      await connection.close();
    };
    return opened;
  } catch (error) {
    await connection.close();
    throw error;
  }
}
