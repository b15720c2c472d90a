import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import { connect } from "@nats-io/transport-node";
import { sha256 } from "./core/ids.ts";
import { folderWith } from "./functions/testing/folder.ts";
import { sayModule, saying, testNode, type TestNode } from "./testing/cluster.ts";
import { wat } from "./testing/modules.ts";
import { startNats } from "./testing/nats.ts";
import { until } from "./testing/until.ts";

const TIMEOUT = { timeout: 60_000 };

test(
  "a version deployed on one node is served by all, and one that joins later has everything",
  TIMEOUT,
  async (t) => {
    await using nats = await startNats();
    await using first = await testNode(nats.url, await saying({ a: "one", b: "stays" }));
    await using second = await testNode(nats.url, await saying({ a: "one", c: "other" }));
    assert.equal(first.version("a"), second.version("a"));
    await until(async () => (await first.ask("c")) === "other");
    assert.equal(await second.ask("b"), "stays");
    assert.equal(second.lines.filter((line) => line.includes('"function":"a"')).length, 0);

    const startedAt = performance.now();
    const reload = await first.change(await saying({ a: "two", b: "stays" }));
    assert.ok(reload.ok);
    assert.deepEqual(
      reload.changed.map(({ name }) => name),
      ["a"],
    );
    await until(async () => (await second.ask("a")) === "two");
    t.diagnostic(`served by the other node after ${Math.round(performance.now() - startedAt)} ms`);
    assert.equal(first.version("a"), second.version("a"));
    assert.match(
      second.lines.find((line) => line.includes("Now serving") && line.includes('"a"'))!,
      /"node":"\S+ \d+"/,
    );

    await using late = await testNode(nats.url);
    assert.deepEqual(await answers(late), { a: "two", b: "stays", c: "other" });
  },
);

test(
  "a node that starts with an older file does not roll back, on its data or without",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    const old = await saying({ a: "old" });
    await using first = await testNode(nats.url, old);
    await using second = await testNode(nats.url, await saying({ a: "new" }));
    await until(async () => (await first.ask("a")) === "new");
    await using again = await first.restart();
    assert.equal(await again.ask("a"), "new");
    assert.ok(again.lines.some((line) => line.includes("Not deployed")));
    await using stranger = await testNode(nats.url, old);
    assert.equal(await stranger.ask("a"), "new");
    assert.equal(await second.ask("a"), "new");
  },
);

test("NEXUS_DEPLOY_ID deploys an older version again, once", TIMEOUT, async () => {
  await using nats = await startNats();
  const [old, next] = [await saying({ a: "old" }), await saying({ a: "new" })];
  await using first = await testNode(nats.url, old, { deployId: "1" });
  await using second = await testNode(nats.url, next, { deployId: "2" });
  await using back = await testNode(nats.url, old, { deployId: "3" });
  assert.equal(await back.ask("a"), "old");
  await until(async () => (await second.ask("a")) === "old");
  await using forth = await testNode(nats.url, next, { deployId: "4" });
  assert.equal(await forth.ask("a"), "new");
  for (const node of [await first.restart(), await second.restart(), await back.restart()]) {
    await using one = node;
    assert.equal(await one.ask("a"), "new");
  }
});

test("a change of a running node counts, whatever it goes back to", TIMEOUT, async () => {
  await using nats = await startNats();
  const [one, two] = [await saying({ a: "one" }), await saying({ a: "two" })];
  await using editing = await testNode(nats.url, one);
  await using other = await testNode(nats.url);
  for (const [files, says] of [
    [two, "two"],
    [one, "one"],
    [two, "two"],
  ] as const) {
    await editing.change(files);
    assert.equal(await editing.ask("a"), says);
    await until(async () => (await other.ask("a")) === says);
  }
});

test(
  "a function taken out of a running node's files goes everywhere, and stays away",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    const both = await saying({ a: "one", b: "two" });
    await using first = await testNode(nats.url, both);
    await using second = await testNode(nats.url, both);
    const reload = await first.change(await saying({ a: "one" }));
    assert.ok(reload.ok);
    assert.deepEqual(reload.removed, ["b"]);
    await until(() => second.version("b") === undefined);
    assert.equal(await second.ask("b"), "404");
    await using again = await second.restart();
    assert.equal(again.version("b"), undefined);
    assert.equal(await again.ask("a"), "one");
    // A version that is new brings it back.
    await again.change(await saying({ a: "one", b: "three" }));
    await until(async () => (await first.ask("b")) === "three");
  },
);

test("a rolling update of a project takes out what its new files have not", TIMEOUT, async () => {
  await using nats = await startNats();
  const shop = { natsProject: "shop" };
  const old = await saying({ a: "one", b: "two" });
  await using other = await testNode(nats.url, await saying({ z: "other" }), {
    natsProject: "other",
  });
  await using first = await testNode(nats.url, old, shop);
  await using second = await testNode(nats.url, await saying({ a: "one", c: "three" }), shop);
  assert.equal(second.version("b"), undefined);
  await until(() => first.version("b") === undefined && first.version("c") !== undefined);
  // One of the old ones starts again in the middle.
  await using again = await first.restart();
  assert.deepEqual(await answers(again), { a: "one", c: "three", z: "other" });
  assert.deepEqual(await answers(second), await answers(other));
});

test(
  "what NATS's own tools delete is no longer served, and deployed again by whoever starts with it",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    await using node = await testNode(nats.url, await saying({ a: "one" }));
    await using client = await connect({ servers: nats.url });
    const versions = await new Kvm(client).open("nexus_versions");
    await versions.delete("a");
    await until(() => node.version("a") === undefined);
    await using again = await node.restart();
    assert.equal(await again.ask("a"), "one");
  },
);

test("a module that cannot run never leaves its node", TIMEOUT, async () => {
  await using nats = await startNats();
  await using first = await testNode(nats.url, await saying({ a: "one" }));
  await using second = await testNode(nats.url);
  const reload = await first.change({
    "a.wasm": await wat('(module (import "no" "such" (func)))'),
  });
  assert.ok(!reload.ok && reload.error.code === "MODULE_INVALID");
  await first.change(await saying({ a: "one", b: "after" }));
  await until(async () => (await second.ask("b")) === "after");
  assert.equal(await second.ask("a"), "one");
  const broken = {
    ...(await saying({ c: "x" })),
    "c.wasm": await wat('(module (import "no" "such" (func)))'),
  };
  await assert.rejects(testNode(nats.url, broken), { code: "MODULE_INVALID" });
  assert.equal(second.version("c"), undefined);
});

test(
  "a damaged module is refused: the old version stays, a newcomer is not ready, and mending helps",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    await using client = await connect({ servers: nats.url });
    await using first = await testNode(nats.url, await saying({ a: "one" }));
    await using second = await testNode(nats.url);
    const modules = await new Objm(client).open("nexus_modules");
    // Its object is there already when it is deployed, and says that it is whole; its parts are not.
    const next = await saying({ a: "two" });
    const bytes = next["a.wasm"] as Uint8Array;
    const name = await damaged(nats.url, bytes);

    await first.change(next);
    await until(() =>
      second.lines.some((line) => line.includes("Cannot serve what the cluster serves")),
    );
    assert.equal(await second.ask("a"), "one");
    assert.deepEqual(await ready(second), [200, []]);
    await using late = await testNode(nats.url);
    const [status, reasons] = await ready(late);
    assert.equal(status, 503);
    assert.match(
      reasons.join(),
      /^Function "a" cannot be served here: Cannot read "[0-9a-f]+" from the cluster: it is damaged/,
    );

    await modules.delete(name);
    await using again = await first.restart(next);
    assert.equal(await again.ask("a"), "two");
    await until(async () => (await late.ask("a")) === "two" && (await second.ask("a")) === "two");
    assert.deepEqual(await ready(late), [200, []]);
  },
);

test("an entry that is not ours is left alone, and the rest is served", TIMEOUT, async () => {
  await using nats = await startNats();
  await using node = await testNode(nats.url, await saying({ a: "one" }));
  await using client = await connect({ servers: nats.url });
  const versions = await new Kvm(client).open("nexus_versions");
  await versions.put("a", JSON.stringify({ format: 2 }));
  await versions.put("stranger", "hello");
  await versions.put("No.Name", "hello");
  await until(() => node.lines.some((line) => line.includes("its format is 2")));
  await until(() => node.lines.some((line) => line.includes("it is not JSON")));
  assert.equal(await node.ask("a"), "one");
  await using again = await node.restart();
  assert.equal(again.version("a"), undefined);
  assert.equal((await versions.get("a"))!.json<{ format: number }>().format, 2);
});

test("the same files on many nodes are deployed once, and cost no more", TIMEOUT, async () => {
  await using nats = await startNats();
  const files = await saying({ a: "one", b: "two" });
  const nodes = await Promise.all([1, 2, 3].map(() => testNode(nats.url, files)));
  await using opened = new AsyncDisposableStack();
  for (const node of nodes) opened.use(node);
  await using client = await connect({ servers: nats.url });
  const { streams } = await jetstreamManager(client);
  const kept = async () =>
    Promise.all(
      ["KV_nexus_versions", "OBJ_nexus_modules"].map(
        async (name) => (await streams.info(name)).state.last_seq,
      ),
    );
  const [versions] = await kept();
  assert.equal(versions, 2);
  const before = await kept();
  await using fourth = await testNode(nats.url, files);
  await using again = await nodes[0]!.restart();
  assert.equal(fourth.version("a"), again.version("a"));
  assert.deepEqual(await kept(), before);
});

test("mounts and source maps travel with their function", TIMEOUT, async () => {
  await using nats = await startNats();
  const traps = new URL("../fixtures/traps/", import.meta.url);
  const yaml = `version: v1
functions:
  - name: mounted
    on: { http: { method: GET, path: /mounted, respond: true } }
    code: mounted.wasm
    mounts: [{ host: data, guest: /data }]
  - name: order
    on: { event: com.example.order }
    code: order.wasm
    retry: { attempts: 1 }
`;
  await using first = await testNode(nats.url, {
    "nexus.yaml": yaml,
    "mounted.wasm": await showModule("in/a.txt"),
    "data/in/a.txt": "from the first node",
    "order.wasm": new Uint8Array(await readFile(new URL("order.wasm", traps))),
    "order.wasm.map": new Uint8Array(await readFile(new URL("order.wasm.map", traps))),
  });
  await using late = await testNode(nats.url);
  await first.running.close();
  assert.equal(await late.ask("mounted"), "from the first node");
  await fetch(`${late.running.url}/events/com.example.order?wait=10s`, { method: "POST" });
  const answer = await fetch(`${late.running.url}/invocations?function=order`);
  assert.match(
    await answer.text(),
    /divide by zero in assembly\/order\/share \(assembly\/order\.ts:5:10\)/,
  );
});

test(
  "a change while NATS is away is served here, and by the others when it is back",
  TIMEOUT,
  async (t) => {
    await using nats = await startNats();
    await using first = await testNode(nats.url, await saying({ a: "one" }));
    await using second = await testNode(nats.url);
    await nats.kill();
    const reload = await first.change(await saying({ a: "two" }));
    assert.ok(reload.ok);
    assert.notEqual(first.version("a"), second.version("a"));
    await until(() => first.lines.some((line) => line.includes("Cannot share a change")));
    await nats.restart();
    const startedAt = performance.now();
    await until(async () => (await second.ask("a")) === "two");
    t.diagnostic(`served after ${Math.round(performance.now() - startedAt)} ms with NATS`);
    assert.equal(first.version("a"), second.version("a"));
  },
);

test(
  "functions of different nodes that take the same requests are warned of",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    await using first = await testNode(nats.url, await saying({ b: "first" }));
    const files = await saying({ a: "second" });
    const yaml = (files["nexus.yaml"] as string).replace("path: /a", "path: /b");
    await using second = await testNode(nats.url, { ...files, "nexus.yaml": yaml });
    await until(() => first.version("a") !== undefined);
    for (const { lines } of [first, second]) {
      const warned = lines.filter((line) => line.includes("takes the same requests"));
      assert.equal(warned.length, 1);
      assert.match(
        warned[0]!,
        /of function \\"b\\" takes .* as function \\"a\\", which gets them"/,
      );
    }
    assert.equal(await first.ask("b"), "second");
  },
);

test(
  "a functions directory, with a configuration or without, is deployed as well",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    await using folder = await folderWith({ "a.wasm": await sayModule("from a folder") });
    const functionsDir = folder.path;
    await using first = await testNode(nats.url, {}, { functionsDir });
    await using second = await testNode(nats.url, await saying({ b: "two" }), { functionsDir });
    await until(() => first.version("b") !== undefined);
    const answer = await fetch(`${second.running.url}/a`, { method: "POST" });
    assert.equal(await answer.text(), "from a folder");
    assert.equal(second.lines.filter((line) => line.includes("Now serving")).length, 0);
  },
);

test("a node without files takes nothing out, whatever project it is told", TIMEOUT, async () => {
  await using nats = await startNats();
  const shop = { natsProject: "shop" };
  await using first = await testNode(nats.url, await saying({ a: "one" }), shop);
  await using empty = await testNode(nats.url, {}, shop);
  assert.ok((await empty.running.reload()).ok);
  assert.equal(await empty.ask("a"), "one");
  assert.equal(await first.ask("a"), "one");
});

/** Writes what is in a file of its first mount to stdout. */
function showModule(path: string): Promise<Uint8Array> {
  return wat(`(module
  (import "wasi_snapshot_preview1" "path_open" (func $open
    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "${path}")
  (func (export "_start")
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const ${path.length})
        (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)) (then (unreachable)))
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 1000))
    (drop (call $read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`);
}

/** Stores a module, and then damages the part it is kept in; its name. */
async function damaged(url: string, bytes: Uint8Array): Promise<string> {
  const name = sha256(bytes);
  await using client = await connect({ servers: url });
  const modules = await new Objm(client).open("nexus_modules");
  const parts = (content: Uint8Array) => new Blob([Uint8Array.from(content)]).stream();
  const { nuid } = await modules.put({ name }, parts(bytes));
  const { streams } = await jetstreamManager(client);
  await streams.purge("OBJ_nexus_modules", { filter: `$O.nexus_modules.C.${nuid}` });
  const half = bytes.subarray(0, bytes.length / 2);
  await jetstream(client).publish(`$O.nexus_modules.C.${nuid}`, half);
  return name;
}

async function answers(node: TestNode): Promise<Record<string, string>> {
  const all = node.running
    .functions()
    .map(async ({ name }) => [name, await node.ask(name)] as const);
  return Object.fromEntries(await Promise.all(all));
}

async function ready(node: TestNode): Promise<readonly [number, readonly string[]]> {
  const answer = await fetch(`${node.running.url}/readyz`);
  return [answer.status, ((await answer.json()) as { reasons: string[] }).reasons];
}
