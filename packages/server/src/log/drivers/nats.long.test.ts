// The whole suite once more on a cluster of three, with three copies of each stream: there every read
// may be answered by a server that is behind, and every write takes a majority.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startNatsCluster, type TestNatsCluster } from "../../testing/nats-cluster.ts";
import { until } from "../../testing/until.ts";
import type { EventLog } from "../log.ts";
import { testLog } from "../conformance.ts";
import { natsStore } from "../testing/nats-store.ts";

let cluster: TestNatsCluster;
let stores = 0;

before(async () => (cluster = await startNatsCluster(3)));
after(() => cluster[Symbol.asyncDispose]());

// To set up a store takes seconds here.
testLog(
  "nats, three servers",
  () => Promise.resolve(natsStore(cluster.urls, `t${(stores += 1)}`)),
  {
    stores: 3,
    nodes: 3,
  },
);

test("status() counts the copies that are whole while one of three servers is down", async () => {
  await using own = await startNatsCluster(3);
  await using store = natsStore(own.urls, "copies");
  await using log = await store.open();
  const copies = async () => {
    const { connected, copies, copiesWanted } = await log.status();
    return connected ? `${copies} of ${copiesWanted}` : "none";
  };
  assert.equal(await until(copies, (now) => now === "3 of 3"), "3 of 3");
  const [lost] = own.nodes;
  await lost!.kill();
  assert.equal(await until(copies, (now) => now === "2 of 3"), "2 of 3");
  await lost!.restart();
  assert.equal(await until(copies, (now) => now === "3 of 3"), "3 of 3");
});

test("a counter in the state has every increase that resolved, and none twice, while leaders of its stream are killed", async () => {
  await using own = await startNatsCluster(3);
  await using store = natsStore(own.urls, "counter");
  await using opened = new AsyncDisposableStack();
  const logs: EventLog[] = [];
  for (let i = 0; i < 3; i += 1) logs.push(opened.use(await store.open()));
  const counts = logs.map(() => ({ resolved: 0, unknown: 0 }));
  const done = new AbortController();
  const working = logs.map(async ({ state }, i) => {
    while (!done.signal.aborted) {
      await new Promise(setImmediate); // without a connection calls are refused at once
      const count = counts[i]!;
      const entry = await state.get("fn", "counter").catch(unavailable);
      if (entry === "unavailable") continue;
      const number = entry === undefined ? 0 : Number(Buffer.from(entry.value));
      const expect = entry?.revision ?? "absent";
      const value = Buffer.from(String(number + 1));
      const revision = await state.set("fn", "counter", value, { expect }).catch(unavailable);
      if (revision === "unavailable") count.unknown += 1;
      else if (revision !== undefined) count.resolved += 1;
    }
  });
  const total = (of: "resolved" | "unknown"): number =>
    counts.reduce((sum, count) => sum + count[of], 0);
  for (let round = 0; round < 3; round += 1) {
    const before = total("resolved");
    await until(() => total("resolved") > before + 30);
    const leader = await own.leaderOf("COUNTER_STATE");
    await leader.kill();
    const after = total("resolved");
    await until(() => total("resolved") > after + 30);
    await leader.restart();
    await own.whole();
    await until(
      () => logs[0]!.status(),
      ({ copies }) => copies === 3,
    );
  }
  done.abort();
  await Promise.all(working);
  const number = await until(
    () => logs[1]!.state.get("fn", "counter").catch(unavailable),
    (entry) => entry !== "unavailable",
  );
  assert.ok(typeof number === "object");
  const found = Number(Buffer.from(number.value));
  const [resolved, unknown] = [total("resolved"), total("unknown")];
  assert.ok(found >= resolved && found <= resolved + unknown, `${found}: ${resolved}, ${unknown}`);
});

/** For calls that cannot be answered now; other errors end the test. */
function unavailable(error: NodeJS.ErrnoException): "unavailable" {
  assert.equal(error.code, "LOG_UNAVAILABLE");
  return "unavailable";
}
