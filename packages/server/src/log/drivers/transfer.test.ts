import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { connect } from "@nats-io/transport-node";
import { startNats, type TestNats } from "../../testing/nats.ts";
import { testTransfer, type TransferStore } from "../testing/transfer.ts";
import { embeddedLog } from "./embedded.ts";
import { embeddedSource } from "./embedded/source.ts";
import { embeddedTarget } from "./embedded/target.ts";
import { natsLog } from "./nats.ts";
import { natsSource } from "./nats/source.ts";
import { natsTarget } from "./nats/target.ts";

let server: TestNats;
let stores = 0;

before(async () => (server = await startNats()));
after(() => server[Symbol.asyncDispose]());

testTransfer("embedded to embedded", embedded, embedded);
testTransfer("embedded to nats", embedded, nats);
testTransfer("nats to embedded", nats, embedded);
testTransfer("nats to nats", nats, nats);

async function embedded(): Promise<TransferStore> {
  const dir = await mkdtemp(join(tmpdir(), "nexus-log-"));
  return {
    open: (now) => embeddedLog(now === undefined ? { dir } : { dir, now }),
    source: () => embeddedSource(dir),
    target: () => embeddedTarget(dir),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  };
}

async function nats(): Promise<TransferStore> {
  stores += 1;
  const prefix = `t${stores}`;
  return {
    open: (now) =>
      connected((connection) =>
        natsLog({ connection, prefix, ...(now === undefined ? {} : { now }) }),
      ),
    source: () => connected((connection) => natsSource({ connection, prefix })),
    target: () => connected((connection) => natsTarget({ connection, prefix })),
    async [Symbol.asyncDispose]() {},
  };
}

/** What `open` opens on a connection of its own, which ends with it. */
async function connected<T extends AsyncDisposable>(
  open: (connection: Awaited<ReturnType<typeof connect>>) => Promise<T>,
): Promise<T> {
  const connection = await connect({ servers: server.url });
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
