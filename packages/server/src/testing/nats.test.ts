import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { startNatsCluster } from "./nats-cluster.ts";
import { startNats, type TestNats } from "./nats.ts";
import { tcpProxy } from "./tcp-proxy.ts";

const TIMEOUT = { timeout: 60_000 };

async function client(
  servers: string | readonly string[],
): Promise<NatsConnection & AsyncDisposable> {
  const nc = await connect({
    servers: [servers].flat(),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 20,
  });
  return Object.assign(nc, { [Symbol.asyncDispose]: () => nc.close() });
}

test("startNats() keeps port and store over a kill and a restart", TIMEOUT, async () => {
  await using nats = await startNats();
  const { pid } = nats;
  {
    await using nc = await client(nats.url);
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: "S", subjects: ["s"] });
    await jetstream(nc).publish("s", "kept");
  }
  await nats.kill();
  await assert.rejects(connect({ servers: nats.url, reconnect: false }));
  await nats.restart();
  assert.notEqual(nats.pid, pid);
  await using nc = await client(nats.url);
  const { state } = await (await jetstreamManager(nc)).streams.info("S");
  assert.equal(state.messages, 1);
});

test("startNats() starts one with a small store, or without JetStream", TIMEOUT, async () => {
  await using small = await startNats({ jetStream: { maxFileBytes: 1_000_000 } });
  await using bare = await startNats({ jetStream: false });
  await using nc = await client(small.url);
  const { limits } = await (await jetstreamManager(nc)).getAccountInfo();
  assert.equal(limits.max_storage, -1);
  await assert.rejects(
    (await jetstreamManager(nc)).streams.add({ name: "S", subjects: ["s"], max_bytes: 2_000_000 }),
    /insufficient storage/,
  );
  await using other = await client(bare.url);
  await assert.rejects(jetstreamManager(other), /jetstream/i);
});

test("tcpProxy() holds back in a silent cut, breaks in a reset, and heals", TIMEOUT, async () => {
  await using nats = await startNats({ jetStream: false });
  await using proxy = await tcpProxy(nats.port);
  await using direct = await client(nats.url);
  await using nc = await client(`nats://127.0.0.1:${proxy.port}`);
  const got = nc.subscribe("got")[Symbol.asyncIterator]();
  await nc.flush();

  proxy.cut("silent");
  direct.publish("got", "one");
  await direct.flush();
  let arrived = false;
  const one = got.next().finally(() => (arrived = true));
  // Far longer than the message would take.
  for (let times = 0; times < 50; times++) await direct.rtt();
  assert.equal(arrived, false);
  assert.equal(proxy.connections, 1);
  proxy.heal();
  assert.equal((await one).value.string(), "one");

  const status = nc.status()[Symbol.asyncIterator]();
  proxy.cut("reset");
  assert.equal((await status.next()).value?.type, "disconnect");
  proxy.heal();
  while ((await status.next()).value?.type !== "reconnect");
  await nc.rtt();
});

test("startNatsCluster() survives the loss of a stream's leader", TIMEOUT, async () => {
  await using cluster = await startNatsCluster(3);
  await using nc = await client(cluster.urls);
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({ name: "S", subjects: ["s"], num_replicas: 3 });
  const js = jetstream(nc);
  assert.equal((await js.publish("s", "1")).seq, 1);
  const leader = await cluster.leaderOf("S");
  await leader.kill();
  const next: TestNats = await cluster.leaderOf("S");
  assert.notEqual(next, leader);
  // The client may have been connected to the one that was killed.
  await nc.flush();
  assert.equal((await js.publish("s", "2", { retries: 10 })).seq, 2);
  await leader.restart();
  await cluster.whole();
});
