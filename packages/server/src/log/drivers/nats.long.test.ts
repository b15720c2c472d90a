// The whole suite once more on a cluster of three, with three copies of each stream: there every read
// may be answered by a server that is behind, and every write takes a majority.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startNatsCluster, type TestNatsCluster } from "../../testing/nats-cluster.ts";
import { until } from "../../testing/until.ts";
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
