// The whole suite once more on a cluster of three, with three copies of each stream: there every read
// may be answered by a server that is behind, and every write takes a majority.
import { after, before } from "node:test";
import { startNatsCluster, type TestNatsCluster } from "../../testing/nats-cluster.ts";
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
  },
);
