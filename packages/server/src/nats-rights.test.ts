import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { jetstream } from "@nats-io/jetstream";
import { sayModule, testNode, type TestNode } from "./testing/cluster.ts";
import { failModule } from "./testing/modules.ts";
import { startNats } from "./testing/nats.ts";
import { until } from "./testing/until.ts";

const RAW = "shop.price";

const CONFIG = `version: v1
functions:
  - name: hello
    on: { event: "order.*" }
    code: hello.wasm
  - name: both
    on: [{ event: "order.*" }, { event: "cart.*" }]
    code: hello.wasm
  - name: ordered
    on: { event: "order.*" }
    order_by: subject
    code: hello.wasm
  - name: price
    on: { nats: ${RAW} }
    code: hello.wasm
  - name: broken
    on: { event: "bad.*" }
    retry: { attempts: 1 }
    code: broken.wasm
`;

/** The two lists of subjects that docs/nats.md gives under **Rights**, for servers and for publishers. */
async function rightsInDocs() {
  const text = await readFile(new URL("../../../docs/nats.md", import.meta.url), "utf8");
  const subjectsIn = (part: string) => [...part.matchAll(/`([^`\s]+)`/g)].map(([, one]) => one!);
  const server = /\*\*Rights\.\*\*([^]*?) and to subscribe to ([^]*?);/.exec(text)!;
  const publisher =
    /Publishers need the right to publish to ([^]*?)\(or less[^]*?to subscribe to ([^]*?)\bfor/.exec(
      text,
    )!;
  const listed = ([, publish, subscribe]: RegExpExecArray) => ({
    publish: subjectsIn(publish!),
    subscribe: subjectsIn(subscribe!),
  });
  return { server: listed(server), publisher: listed(publisher) };
}

interface Kept {
  readonly id: string;
}

interface Waited {
  readonly event_id: string;
  readonly invocations: readonly { readonly status: string }[];
}

interface Letters {
  readonly dead_letters: readonly Kept[];
}

async function answer<T>(node: TestNode, path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(`${node.running.url}${path}`, init);
  assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
  return (await response.json()) as T;
}

const post = (body: object): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

test(
  "a cluster with the rights that docs/nats.md lists, and no others, does all that it does",
  { timeout: 120_000 },
  async () => {
    const { server, publisher } = await rightsInDocs();
    assert.ok(server.publish.length >= 5 && server.subscribe.length >= 2);
    const permissions = {
      publish: [...server.publish, RAW],
      subscribe: [...server.subscribe, RAW],
    };
    await using nats = await startNats({
      extra: {
        authorization: {
          users: [
            { user: "node", password: "n", permissions },
            { user: "shop", password: "s", permissions: publisher },
          ],
        },
      },
    });
    const address = `127.0.0.1:${nats.port}`;
    const files = {
      "nexus.yaml": CONFIG,
      "hello.wasm": await sayModule("hello"),
      "broken.wasm": await failModule(),
    };
    await using one = await testNode(`nats://node:n@${address}`, files);
    await using two = await testNode(`nats://node:n@${address}`, {});
    await until(() => two.version("price") !== undefined);

    // Over HTTP: either node answers, whichever of them ran it.
    for (const node of [one, two]) {
      const { event_id: id, invocations } = await answer<Waited>(
        node,
        "/events/order.placed?wait=30s",
        post({ n: 1 }),
      );
      assert.deepEqual(
        invocations.map(({ status }) => status),
        ["succeeded", "succeeded", "succeeded"],
      );
      assert.ok(await answer(two, `/replay/${id}`, { method: "POST" }));
    }
    // From a program with a publisher's rights.
    await using shop = await connect({ servers: address, user: "shop", pass: "s" });
    const event = { specversion: "1.0", id: "inbox-1", source: "/shop", type: "cart.made" };
    await jetstream(shop).publish("nexus.in.cart.made", JSON.stringify(event));
    await until(() => fetch(`${two.running.url}/events/inbox-1`).then(({ ok }) => ok));
    // A dead letter, and its redrive.
    await answer(one, "/events/bad.luck", post({}));
    const { dead_letters: letters } = await until(
      () => answer<Letters>(two, "/dead-letters"),
      ({ dead_letters }) => dead_letters.length === 1,
    );
    await answer(two, `/dead-letters/${letters[0]!.id}/redrive`, { method: "POST" });
    // A new version on one node, served by the other.
    const before = two.version("hello");
    await one.change({ "hello.wasm": await sayModule("changed") });
    await until(() => two.version("hello") !== before);

    for (const node of [one, two]) {
      const troubles = node.lines.filter((line) => /"level":"(warn|error)"|ermission/.test(line));
      assert.deepEqual(
        troubles.filter((line) => !line.includes('"broken"')),
        [],
      );
    }
  },
);
