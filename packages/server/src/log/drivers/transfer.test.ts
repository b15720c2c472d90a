import { after, before } from "node:test";
import { startNats, type TestNats } from "../../testing/nats.ts";
import { testTransfer } from "../testing/transfer.ts";
import { embeddedTransferStore, natsTransferStore } from "../testing/transfer-stores.ts";

let server: TestNats;
let stores = 0;

before(async () => (server = await startNats()));
after(() => server[Symbol.asyncDispose]());

const embedded = embeddedTransferStore;
const nats = () => Promise.resolve(natsTransferStore([server.url], `t${(stores += 1)}`));

testTransfer("embedded to embedded", { from: embedded, to: embedded });
testTransfer("embedded to nats", { from: embedded, to: nats });
testTransfer("nats to embedded", { from: nats, to: embedded });
testTransfer("nats to nats", { from: nats, to: nats });
