import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { startNats, type TestNats } from "../../../testing/nats.ts";
import { tcpProxy } from "../../../testing/tcp-proxy.ts";
import { until } from "../../../testing/until.ts";
import type { EventLog, LogEntry } from "../../log.ts";
import { invocationOf, newEvent, newEvents } from "../../testing/fixtures.ts";
import { natsStore } from "../../testing/nats-store.ts";
import { natsLog } from "../nats.ts";

/** What a watch of the log was told, as text. */
function told(log: EventLog): { readonly list: string[] } & Disposable {
  const abort = new AbortController();
  const list: string[] = [];
  const entries = log.watch(abort.signal);
  void (async () => {
    for await (const entry of entries) list.push(textOf(entry));
  })();
  return { list, [Symbol.dispose]: () => abort.abort() };
}

function textOf(entry: LogEntry): string {
  if (entry.kind === "event") return entry.stored.event.id;
  return entry.kind === "gap" ? `gap ${entry.missed}` : `run ${entry.invocation.output}`;
}

/** The log of another node, over a connection of its own that can be cut. */
async function nodeBehindProxy(nats: TestNats) {
  const proxy = await tcpProxy(nats.port);
  const servers = `127.0.0.1:${proxy.port}`;
  const connection = await connect({ servers, reconnectTimeWait: 10, maxReconnectAttempts: -1 });
  const log = await natsLog({ connection });
  return {
    log,
    proxy,
    async [Symbol.asyncDispose]() {
      proxy.heal();
      await log[Symbol.asyncDispose]();
      await connection.close();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

const IDS = Array.from({ length: 40 }, (_, index) => `e${index}`);

test("watch() tells what other nodes store while the connection is away, once it is back", async () => {
  await using nats = await startNats();
  await using store = natsStore([nats.url], "nexus");
  await using other = await store.open();
  await using node = await nodeBehindProxy(nats);
  using seen = told(node.log);
  await node.log.append([newEvent({ id: "before" })]);
  await until(() => seen.list.length === 1);
  node.proxy.cut("reset");
  await other.append(IDS.map((id) => newEvent({ id })));
  const stored = (await other.find("e7"))!;
  await other.record(invocationOf(stored, "fn", { output: "away" }), []);
  node.proxy.heal();
  await until(() => seen.list.length === IDS.length + 2);
  const events = seen.list.filter((text) => text !== "run away");
  assert.deepEqual(events, ["before", ...IDS]);
  assert.ok(seen.list.indexOf("run away") > seen.list.indexOf("e7"));
});

test("watch() tells of a gap, and how wide it is, where the stream dropped what was stored meanwhile", async () => {
  await using nats = await startNats();
  await using store = natsStore([nats.url], "nexus");
  await using other = await store.open();
  await using node = await nodeBehindProxy(nats);
  using seen = told(node.log);
  await node.log.append([newEvent({ id: "before" })]);
  await until(() => seen.list.length === 1);
  node.proxy.cut("reset");
  await other.append(newEvents(7));
  await other.append([newEvent({ id: "kept" })]);
  await using connection = await connect({ servers: nats.url });
  const { streams } = await jetstreamManager(connection);
  await streams.purge("NEXUS_EVENTS", { seq: 9 });
  node.proxy.heal();
  await until(() => seen.list.includes("kept"));
  assert.deepEqual(seen.list, ["before", "gap 7", "kept"]);
});

test("watch() goes on where the server was killed and started again", async () => {
  await using nats = await startNats();
  await using store = natsStore([nats.url], "nexus");
  await using log = await store.open();
  using seen = told(log);
  await log.append([newEvent({ id: "before" })]);
  await until(() => seen.list.length === 1);
  await nats.kill();
  await nats.restart();
  await until(async () => {
    const appended = log.append([newEvent({ id: "after" })]);
    return await appended.then(
      () => true,
      () => false,
    );
  });
  await until(() => seen.list.length === 2);
  assert.deepEqual(seen.list, ["before", "after"]);
});

test("watch() tells a record after its event, and does not wait for one that will not come", async () => {
  await using nats = await startNats();
  await using store = natsStore([nats.url], "nexus");
  await using log = await store.open();
  using seen = told(log);
  const events = IDS.map((id) => newEvent({ id }));
  const appended = await log.append(events);
  await Promise.all(
    appended.map(async ({ position }, index) => {
      const stored = { ...events[index]!, position, acceptedAt: 0 };
      await log.record(invocationOf(stored, "fn", { output: IDS[index]! }), []);
    }),
  );
  const beyond = { ...events[0]!, position: 10_000, acceptedAt: 0 };
  await log.record(invocationOf(beyond, "fn", { output: "alone" }), []);
  await until(() => seen.list.includes("run alone"));
  assert.equal(seen.list.length, 2 * IDS.length + 1);
  for (const id of IDS) assert.ok(seen.list.indexOf(id) < seen.list.indexOf(`run ${id}`), id);
});

test("watch() leaves no consumer behind", async () => {
  await using nats = await startNats();
  await using store = natsStore([nats.url], "nexus");
  await using connection = await connect({ servers: nats.url });
  const { streams } = await jetstreamManager(connection);
  const consumers = async (stream: string) => (await streams.info(stream)).state.consumer_count;
  const log = await store.open();
  assert.equal(await consumers("NEXUS_EVENTS"), 0, "nobody watches");
  {
    using seen = told(log);
    await log.append([newEvent({ id: "one" })]);
    await until(() => seen.list.length === 1);
    await until(async () => (await consumers("NEXUS_RECORDS")) === 1);
  }
  await log[Symbol.asyncDispose]();
  for (const stream of ["NEXUS_EVENTS", "NEXUS_RECORDS"]) {
    await until(async () => (await consumers(stream)) === 0);
  }
});
