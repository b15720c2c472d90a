// Several servers on one NATS, each a process of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Invocation } from "./core/invocation.ts";
import { checkCluster, mostAtOnce, startOf } from "./testing/checker.ts";
import { drained, startLoad } from "./testing/cluster-load.ts";
import { startNats } from "./testing/nats.ts";
import { startNode } from "./testing/nodes.ts";
import { probes, type Records } from "./testing/server.ts";

const TIMEOUT = { timeout: 60_000 };
const KEYS = ["a", "b", "c", "d"];

const CONFIG = `${probes(
  { name: "few", on: "{ event: order.* }", yaml: "concurrency: 3\nenv: { SPIN_MS: '10' }" },
  {
    name: "chain",
    on: "{ event: order.placed }",
    yaml: `order_by: data.key
      retry: { attempts: 3, backoff: 50ms }
      env: { SPIN_MS: '4', FAIL_IF: '"n":7', FAIL_UNTIL: '2' }`,
  },
)}nats: { ack_wait: 2s }\n`;
const FUNCTIONS = [
  { name: "few", ordered: false, runMs: 10 },
  { name: "chain", ordered: true, runMs: 4 },
];
const NAMES = FUNCTIONS.map(({ name }) => name);

interface Accepted {
  readonly event_id: string;
  readonly invocations: readonly Invocation[];
}

test(
  "nodes share each function's deliveries, hold its concurrency and its order together, and any of them answers",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    const options = { config: CONFIG, nats: nats.url };
    await using one = await startNode(options);
    await using two = await startNode(options);
    using load = startLoad({ urls: () => [one.url, two.url], keys: KEYS });
    await load.more(100);
    await load.stop();
    const records = await drained(two, load.acknowledged, NAMES);

    const { again } = checkCluster(load.acknowledged, records, { functions: FUNCTIONS });
    assert.equal(again, 0);
    assert.ok(one.runsOf("few") > 0 && two.runsOf("few") > 0, "both ran some of it");
    const few = records.filter((record) => record.function === "few");
    assert.equal(one.runsOf("few") + two.runsOf("few"), few.length);
    const most = mostAtOnce(few, 10);
    assert.ok(most <= 3, `${most} ran at the same time`);
    assert.deepEqual(await one.all("/invocations", "invocations"), records);
    assert.deepEqual(await one.all("/events", "events"), await two.all("/events", "events"));

    // An ordered function runs on one node; the other one waits for its runs, and runs replays itself.
    const ran = one.runsOf("chain") > 0 ? one : two;
    const other = ran === one ? two : one;
    const waited = await other.post<Accepted>("/events/order.placed?wait=20s", { key: "w" });
    assert.equal(waited.status, 200);
    const { event_id: id, invocations } = waited.body;
    assert.deepEqual(invocations.map((run) => run.function).toSorted(), ["chain", "few"]);
    const before = other.runsOf("chain");
    assert.equal(before, 0);
    const replayed = await other.post<Records>(`/replay/${id}?function=chain`);
    assert.equal(replayed.status, 200);
    await ran.until<Records>(`/events/${id}/invocations`, ({ body }) =>
      body.invocations.some(({ trigger }) => trigger === "replay"),
    );
    assert.deepEqual(
      (await one.get(`/invocations/${replayed.body.invocations[0]!.id}`)).body,
      (await two.get(`/invocations/${replayed.body.invocations[0]!.id}`)).body,
    );
  },
);

test("a cron trigger ticks once for all nodes", TIMEOUT, async () => {
  await using nats = await startNats();
  const config = probes({ name: "tick", on: '{ cron: "* * * * * *" }' });
  const options = { config, nats: nats.url };
  await using one = await startNode(options);
  await using two = await startNode(options);
  await using three = await startNode(options);
  const fromHere = Date.now();
  const runs = ({ invocations }: Records): readonly Invocation[] =>
    invocations.filter((record) => startOf(record) >= fromHere);
  const { body } = await three.until<Records>("/invocations", ({ body }) => runs(body).length >= 4);
  const ticks = runs(body).map(({ event_id }) => Date.parse(event_id.replace(/^cron-[^-]*-/, "")));
  assert.deepEqual(
    ticks.toSorted((a, b) => a - b),
    ticks.map((_, index) => Math.min(...ticks) + index * 1000),
    "each second once",
  );
  for (const node of [one, two, three]) await node.stop();
});

test(
  "adding and removing nodes under load loses nothing and runs nothing twice",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    const options = { config: CONFIG, nats: nats.url };
    await using one = await startNode(options);
    const nodes = [one];
    using load = startLoad({ urls: () => nodes.map(({ url }) => url), keys: KEYS });
    await load.more(30);
    await using two = await startNode(options);
    nodes.push(two);
    await load.more(60);
    nodes.shift();
    await one.stop();
    await load.more(30);
    await using three = await startNode(options);
    nodes.push(three);
    await load.more(60);
    await load.stop();
    const records = await drained(three, load.acknowledged, NAMES);
    const { again } = checkCluster(load.acknowledged, records, { functions: FUNCTIONS });
    assert.equal(again, 0);
  },
);
