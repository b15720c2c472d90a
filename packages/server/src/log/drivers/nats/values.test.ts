import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { startNats } from "../../../testing/nats.ts";
import { tcpProxy } from "../../../testing/tcp-proxy.ts";
import { until } from "../../../testing/until.ts";
import { newEvents, noise } from "../../testing/fixtures.ts";
import { natsStore } from "../../testing/nats-store.ts";
import { natsLog } from "../nats.ts";
import { natsSource } from "./source.ts";

const NS = "fn:orders";

test("state over a connection that breaks again and again has every write that resolved, and at most those that rejected besides", async () => {
  await using nats = await startNats();
  await using proxy = await tcpProxy(nats.port);
  const servers = `127.0.0.1:${proxy.port}`;
  await using connection = await connect({
    servers,
    reconnectTimeWait: 10,
    maxReconnectAttempts: -1,
  });
  await using log = await natsLog({ connection, timeoutMs: 1_000 });
  const done = new AbortController();
  // Each key's value is the number of the last write; `kept` is the last one that resolved.
  const writers = Array.from({ length: 6 }, () => ({ kept: 0, tried: 0, refused: 0 }));
  const writing = writers.map(async (writer, i) => {
    while (!done.signal.aborted) {
      writer.tried += 1;
      try {
        const entry = await log.state.get(NS, `k${i}`);
        const expect = entry?.revision ?? "absent";
        const value = Buffer.from(String(writer.tried));
        const revision = await log.state.set(NS, `k${i}`, value, { expect });
        assert.ok(revision !== undefined, "nobody else writes this key");
        writer.kept = writer.tried;
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, "LOG_UNAVAILABLE");
        writer.refused += 1;
        await new Promise(setImmediate);
      }
    }
  });
  for (let round = 0; round < 3; round += 1) {
    const before = writers.map(({ kept }) => kept);
    await until(() => writers.every(({ kept }, i) => kept > before[i]! + 5));
    const refused = writers.map((writer) => writer.refused);
    proxy.cut("reset");
    await until(() => writers.every((writer, i) => writer.refused > refused[i]!));
    proxy.heal();
  }
  await until(
    () => log.status(),
    ({ connected }) => connected,
  );
  done.abort();
  await Promise.all(writing);
  await using store = natsStore([nats.url], "nexus");
  await using other = await store.open();
  for (const [i, { kept, tried }] of writers.entries()) {
    const found = Number(Buffer.from((await other.state.get(NS, `k${i}`))!.value));
    assert.ok(found >= kept && found <= tried, `${found}, and ${kept} resolved`);
  }
});

test("state of a nats-server that is killed has every write that resolved, and no entry that was deleted", async () => {
  await using nats = await startNats();
  await using store = natsStore([nats.url], "nexus");
  const keys = Array.from({ length: 60 }, (_, i) => `k${i}`);
  const revisions: number[] = [];
  {
    await using log = await store.open();
    for (const key of keys) revisions.push((await log.state.set(NS, key, noise(2000)))!);
    for (const key of keys.slice(30)) assert.equal(await log.state.delete(NS, key), true);
    await nats.kill();
    await assert.rejects(log.state.set(NS, "k0", noise(1)), { code: "LOG_UNAVAILABLE" });
  }
  await nats.restart();
  await using log = await store.open();
  const { items } = await log.state.list(NS, { limit: 100 });
  assert.deepEqual(
    new Map(items.map(({ key, revision }) => [key, revision])),
    new Map(keys.slice(0, 30).map((key, i) => [key, revisions[i]!])),
  );
  assert.ok((await log.state.set(NS, "k40", noise(1), { expect: "absent" }))! > revisions.at(-1)!);
});

test("state in a stream that is full rejects with LOG_FULL, changes nothing, and is still read", async () => {
  await using nats = await startNats();
  await using store = natsStore([nats.url], "nexus");
  await using log = await store.open();
  const revision = (await log.state.set(NS, "k", noise(1000)))!;
  await using connection = await connect({ servers: nats.url });
  const { streams } = await jetstreamManager(connection);
  const { config } = await streams.info("NEXUS_STATE");
  await streams.update("NEXUS_STATE", { ...config, max_bytes: 3000 });
  const full = { code: "LOG_FULL" };
  await assert.rejects(log.state.set(NS, "k", noise(4000)), full);
  await assert.rejects(log.state.set(NS, "k", noise(4000), { expect: revision }), full);
  await assert.rejects(log.state.set(NS, "l", noise(4000), { expect: "absent" }), full);
  assert.equal((await log.state.get(NS, "k"))!.revision, revision);
  assert.deepEqual((await log.state.list(NS, { limit: 9 })).items.length, 1);
});

test("trim() leaves a message of state in the stream for an hour after it ended, and no longer", async () => {
  await using nats = await startNats();
  await using store = natsStore([nats.url], "nexus");
  const start = Date.now();
  let clock = start;
  await using log = await store.open(() => clock);
  await using connection = await connect({ servers: nats.url });
  const { streams } = await jetstreamManager(connection);
  const messages = async () => (await streams.info("NEXUS_STATE")).state.messages;
  const trim = () => log.trim({ events: {}, invocations: {} });
  await log.state.set(NS, "deleted", noise(10));
  await log.state.delete(NS, "deleted");
  await log.state.set(NS, "over", noise(10), { expiresAt: start });
  await log.state.set(NS, "stays", noise(10));
  clock = start + 50 * 60_000;
  await trim();
  assert.equal(await messages(), 3);
  clock = start + 65 * 60_000;
  await trim();
  assert.equal(await messages(), 1);
  assert.equal((await log.state.list(NS, { limit: 9 })).items[0]!.key, "stays");
});

test("natsSource() takes a log of a version that had no state", async () => {
  await using nats = await startNats();
  await using store = natsStore([nats.url], "nexus");
  {
    await using log = await store.open();
    await log.append(newEvents(3));
  }
  await using connection = await connect({ servers: nats.url });
  const { streams } = await jetstreamManager(connection);
  await streams.delete("NEXUS_STATE");
  {
    await using source = await natsSource({ connection });
    assert.deepEqual([source.state.revision, await Array.fromAsync(source.values())], [0, []]);
    assert.equal((await Array.fromAsync(source.events(0))).length, 3);
  }
  await using log = await store.open();
  assert.ok((await log.state.set(NS, "k", noise(10)))! > 0);
});

test("state tells a message of NATS by its bytes, which any client can read", async () => {
  await using nats = await startNats();
  await using store = natsStore([nats.url], "nexus");
  await using log = await store.open();
  await log.state.set("fn:a.b", "user 1/🧀.x", Buffer.from("hello"));
  await using connection = await connect({ servers: nats.url });
  const stream = await jetstream(connection).streams.get("NEXUS_STATE");
  const subject = "nexus.state.fn:a%2eb.user%201/%f0%9f%a7%80%2ex";
  const found = await stream.getMessage({ last_by_subj: subject });
  assert.equal(found?.string(), "hello");
});
