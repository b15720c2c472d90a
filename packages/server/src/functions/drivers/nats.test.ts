import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { Objm } from "@nats-io/obj";
import { connect } from "@nats-io/transport-node";
import { sha256 } from "../../core/ids.ts";
import { startNats } from "../../testing/nats.ts";
import { startNatsCluster } from "../../testing/nats-cluster.ts";
import { until } from "../../testing/until.ts";
import type { Marked, SharedFunction } from "../shared.ts";
import { natsSharedVersions } from "./nats.ts";

const TIMEOUT = { timeout: 60_000 };

function removed(mark: string): Marked {
  return { kind: "removed", marks: [mark], node: "here" };
}

function content(bytes: Uint8Array) {
  return { sha256: sha256(bytes), bytes: () => bytes };
}

test("replace() keeps one of two that are faster than each other", TIMEOUT, async () => {
  await using nats = await startNats();
  await using connection = await connect({ servers: nats.url });
  const one = await natsSharedVersions({ connection, prefix: "p" });
  const two = await natsSharedVersions({ connection, prefix: "p" });
  assert.deepEqual(await one.list(), []);
  assert.deepEqual(await one.get("a"), { name: "a", revision: 0, state: { kind: "absent" } });
  const both = await Promise.all([
    one.replace("a", 0, removed("1")),
    two.replace("a", 0, removed("2")),
  ]);
  const [revision] = both.filter((kept) => kept !== undefined);
  assert.equal(both.filter((kept) => kept === undefined).length, 1);
  assert.equal(await two.replace("a", 0, removed("3")), undefined);
  const next = await two.replace("a", revision!, removed("4"));
  assert.deepEqual(await one.get("a"), { name: "a", revision: next, state: removed("4") });
  assert.deepEqual(await one.list(), [await one.get("a")]);
});

test(
  "watch() tells what is there, what changes, and after an interruption all of it again",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    await using connection = await connect({
      servers: nats.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    });
    const shared = await natsSharedVersions({ connection, prefix: "p" });
    await shared.replace("a", 0, removed("1"));
    const ended = new AbortController();
    const seen: SharedFunction[] = [];
    const watching = (async () => {
      for await (const fn of shared.watch(ended.signal)) seen.push(fn);
    })();
    const told = async (count: number) => {
      await until(() => seen.length >= count);
      return seen.map(({ name }) => name).join("");
    };
    assert.equal(await told(1), "a");
    await shared.replace("b", 0, removed("1"));
    assert.equal(await told(2), "ab");
    await nats.kill();
    await assert.rejects(shared.get("a"), { code: "LOG_UNAVAILABLE" });
    await nats.restart();
    assert.equal(await told(4), "abab");
    ended.abort();
    await watching;
  },
);

test(
  "putContent() and getContent() keep every byte, of nothing and of many parts, and send them once",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    await using connection = await connect({ servers: nats.url });
    const shared = await natsSharedVersions({ connection, prefix: "p" });
    const { streams } = await jetstreamManager(connection);
    for (const size of [0, 1, 128 * 1024, 128 * 1024 + 1, 3_000_000]) {
      const bytes = new Uint8Array(randomBytes(size));
      const one = content(bytes);
      await Promise.all([shared.putContent(one), shared.putContent(one)]);
      const { state } = await streams.info("OBJ_p_modules");
      await shared.putContent(one);
      assert.deepEqual((await streams.info("OBJ_p_modules")).state.messages, state.messages);
      assert.deepEqual(new Uint8Array(await shared.getContent(one.sha256)), bytes);
    }
  },
);

test("getContent() says what is missing, damaged or gone in part", TIMEOUT, async () => {
  await using nats = await startNats();
  await using connection = await connect({ servers: nats.url });
  const shared = await natsSharedVersions({ connection, prefix: "p" });
  const store = await new Objm(connection).open("p_modules");
  const one = content(new Uint8Array(randomBytes(1000)));
  const rejects = (message: RegExp) =>
    assert.rejects(shared.getContent(one.sha256), { code: "MODULE_INVALID", message });
  await rejects(/: it is not there$/);
  await store.put({ name: one.sha256 }, new Blob(["something else"]).stream());
  await rejects(/: it is damaged: its sha256 is another one$/);
  // What says of itself that it is something else is replaced.
  await shared.putContent(one);
  assert.equal((await shared.getContent(one.sha256)).length, 1000);
  const { nuid } = (await store.info(one.sha256))!;
  const { streams } = await jetstreamManager(connection);
  await streams.purge("OBJ_p_modules", { filter: `$O.p_modules.C.${nuid}` });
  await rejects(/: it is damaged: 0 of its 1 parts are there$/);
  await shared.putContent(one);
  assert.equal((await shared.getContent(one.sha256)).length, 1000);
});

test("putContent() says when the store is full", TIMEOUT, async () => {
  await using nats = await startNats({ jetStream: { maxFileBytes: 1_000_000 } });
  await using connection = await connect({ servers: nats.url });
  const shared = await natsSharedVersions({ connection, prefix: "p" });
  await assert.rejects(shared.putContent(content(new Uint8Array(randomBytes(2_000_000)))), {
    code: "LOG_FULL",
  });
});

test(
  "natsSharedVersions() keeps as many copies as the cluster can, or as it is told",
  TIMEOUT,
  async () => {
    await using cluster = await startNatsCluster(3);
    await using connection = await connect({ servers: [...cluster.urls] });
    const { streams } = await jetstreamManager(connection);
    const copies = () =>
      Promise.all(
        ["KV_p_versions", "OBJ_p_modules"].map(
          async (name) => (await streams.info(name)).config.num_replicas,
        ),
      );
    const shared = await natsSharedVersions({ connection, prefix: "p" });
    assert.deepEqual(await copies(), [3, 3]);
    const one = content(new Uint8Array(randomBytes(300_000)));
    await shared.putContent(one);
    assert.equal((await shared.getContent(one.sha256)).length, 300_000);
    await natsSharedVersions({ connection, prefix: "p", replicas: 1 });
    assert.deepEqual(await copies(), [1, 1]);
    // Not told, it leaves them.
    await natsSharedVersions({ connection, prefix: "p" });
    assert.deepEqual(await copies(), [1, 1]);
  },
);
