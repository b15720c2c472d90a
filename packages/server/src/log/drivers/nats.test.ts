import { after, before } from "node:test";
import { connect } from "@nats-io/transport-node";
import { startNats, type TestNats } from "../../testing/nats.ts";
import { testLog } from "../conformance.ts";
import { natsLog } from "./nats.ts";

let server: TestNats;
let stores = 0;

before(async () => (server = await startNats()));
after(() => server[Symbol.asyncDispose]());

testLog("nats", async () => {
  stores += 1;
  const prefix = `t${stores}`;
  return {
    async open(now) {
      const connection = await connect({ servers: server.url });
      const log = await natsLog({ connection, prefix, ...(now === undefined ? {} : { now }) });
      const close = log[Symbol.asyncDispose];
      return {
        ...log,
        async [Symbol.asyncDispose]() {
          await close();
          await connection.close();
        },
      };
    },
    async [Symbol.asyncDispose]() {},
  };
});
