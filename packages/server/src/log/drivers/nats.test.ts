import { after, before } from "node:test";
import { startNats, type TestNats } from "../../testing/nats.ts";
import { testLog } from "../conformance.ts";
import { natsStore } from "../testing/nats-store.ts";

let server: TestNats;
let stores = 0;

before(async () => (server = await startNats()));
after(() => server[Symbol.asyncDispose]());

testLog("nats", () => Promise.resolve(natsStore([server.url], `t${(stores += 1)}`)), { nodes: 2 });
