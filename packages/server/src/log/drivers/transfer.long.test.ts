// From and to a cluster of three, with three copies of each stream: there every read may be answered by a
// server that is behind.
import { after, before } from "node:test";
import { startNatsCluster, type TestNatsCluster } from "../../testing/nats-cluster.ts";
import { testTransfer } from "../testing/transfer.ts";
import { embeddedTransferStore, natsTransferStore } from "../testing/transfer-stores.ts";

let cluster: TestNatsCluster;
let stores = 0;

before(async () => (cluster = await startNatsCluster(3)));
after(() => cluster[Symbol.asyncDispose]());

const embedded = embeddedTransferStore;
const nats = () => Promise.resolve(natsTransferStore(cluster.urls, `t${(stores += 1)}`));

// To set up a store takes seconds here.
testTransfer("embedded to nats, three servers", { from: embedded, to: nats, plans: 3 });
testTransfer("nats, three servers, to embedded", { from: nats, to: embedded, plans: 3 });
