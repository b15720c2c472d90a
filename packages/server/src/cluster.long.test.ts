// What a cluster loses and gets back: nodes, NATS servers, the way between them, room. Every process is a real one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { checkCluster, ended, type Trouble } from "./testing/checker.ts";
import { drained, startLoad } from "./testing/cluster-load.ts";
import { startNatsCluster } from "./testing/nats-cluster.ts";
import { startNats } from "./testing/nats.ts";
import { startNode, type TestNode } from "./testing/nodes.ts";
import { probes, type Records } from "./testing/server.ts";
import { tcpProxy } from "./testing/tcp-proxy.ts";
import { until } from "./testing/until.ts";

const TIMEOUT = { timeout: 120_000 };
const KEYS = ["a", "b", "c", "d", "e", "f"];

const SHORT_WAIT = "nats: { ack_wait: 2s }\n";
const CONFIG = `${probes(
  { name: "few", on: "{ event: order.* }", yaml: "concurrency: 4\nenv: { SPIN_MS: '5' }" },
  {
    name: "chain",
    on: "{ event: order.placed }",
    yaml: `order_by: data.key
      retry: { attempts: 3, backoff: 50ms }
      env: { SPIN_MS: '4', FAIL_IF: '7}', FAIL_UNTIL: '2' }`,
  },
)}${SHORT_WAIT}`;
const FUNCTIONS = [
  { name: "few", ordered: false, runMs: 0 },
  { name: "chain", ordered: true, runMs: 4 },
];
const NAMES = FUNCTIONS.map(({ name }) => name);

interface Readiness {
  readonly ready: boolean;
}

/** How many copies each stream has, the buckets' included. */
async function copies(servers: readonly string[]): Promise<number[]> {
  const connection = await connect({ servers: [...servers] });
  const { streams } = await jetstreamManager(connection);
  const found: number[] = [];
  for await (const { config } of streams.list()) found.push(config.num_replicas);
  await connection.close();
  return found;
}

/** Requests that wait for the end of their runs: an outage must not end their nodes. */
function startWaiting(nodes: readonly TestNode[]): AsyncDisposable {
  const enough = new AbortController();
  const clients = nodes.map(async (node) => {
    while (!enough.signal.aborted) {
      await node.post("/events/order.other?wait=1s").catch(() => undefined);
      await delay(25);
    }
  });
  return {
    async [Symbol.asyncDispose]() {
      enough.abort();
      await Promise.all(clients);
    },
  };
}

/** The node that runs the ordered function, and the others. */
async function ownerOf(nodes: readonly TestNode[]): Promise<TestNode> {
  const before = nodes.map((node) => node.runsOf("chain"));
  const owner = await until(() =>
    nodes.find((node, index) => node.runsOf("chain") > before[index]!),
  );
  return owner!;
}

test(
  "the node that runs an ordered function is killed under load, again and again: order holds, nothing is lost",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    const options = { config: CONFIG, nats: nats.url };
    await using resources = new AsyncDisposableStack();
    const nodes = [
      resources.use(await startNode(options)),
      resources.use(await startNode(options)),
    ];
    using load = startLoad({ urls: () => nodes.map(({ url }) => url), keys: KEYS });
    const troubles: Trouble[] = [];
    for (let round = 0; round < 3; round += 1) {
      await load.more(100 + round * 17);
      const owner = await ownerOf(nodes);
      const from = Date.now();
      await owner.kill();
      troubles.push({ from, to: Date.now() });
      nodes.splice(nodes.indexOf(owner), 1);
      await ownerOf(nodes); // the other one has taken over
      nodes.push(resources.use(await startNode(options)));
    }
    await load.more(100);
    await load.stop();
    const records = await drained(nodes[0]!, load.acknowledged, NAMES);
    assert.ok(records.some(({ delivery }) => delivery === "retry"));
    checkCluster(load.acknowledged, records, { functions: FUNCTIONS, troubles });
  },
);

test(
  "a node is killed in the middle of an invocation: another runs it, and a call that was not answered too",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    const slow = "env: { SPIN_MS: '1500' }";
    const config = `${probes(
      { name: "slow", on: "{ event: slow }", yaml: slow },
      { name: "page", on: "{ http: { method: POST, path: /page, respond: true } }", yaml: slow },
    )}${SHORT_WAIT}`;
    const options = { config, nats: nats.url };
    await using one = await startNode(options);
    await using two = await startNode(options);
    const { body: event } = await one.post<{ event_id: string }>("/events/slow");
    let first: TestNode | undefined;
    while (first === undefined) {
      for (const node of [one, two]) if ((await node.busy()) > 0) first = node;
    }
    const second = first === one ? two : one;
    const call = first.post("/page", {}).catch(() => "not answered" as const);
    while ((await first.busy()) < 2);
    const { body: events } = await second.until<{ events: { id: string; type: string }[] }>(
      "/events",
      ({ body }) => body.events.some(({ type }) => type === "nexus.http.request"),
    );
    const requestId = events.events.find(({ type }) => type === "nexus.http.request")!.id;
    await first.kill();
    assert.equal(await call, "not answered");
    for (const id of [event.event_id, requestId]) {
      const { body } = await second.until<Records>(`/events/${id}/invocations`, ({ body }) =>
        ended(body.invocations),
      );
      assert.equal(body.invocations.length, 1, "the run that was cut off left no record");
      assert.equal(body.invocations[0]!.status, "succeeded");
    }
    assert.equal(second.runsOf("slow") + second.runsOf("page"), 2);
  },
);

test(
  "nats-server is killed and restarted under load, again and again: nothing acknowledged is lost",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    const options = { config: CONFIG, nats: nats.url };
    await using one = await startNode(options);
    await using two = await startNode(options);
    using load = startLoad({ urls: () => [one.url, two.url], keys: KEYS });
    await using _waiting = startWaiting([one]);
    const troubles: Trouble[] = [];
    for (let round = 0; round < 3; round += 1) {
      await load.more(100 + round * 31);
      const from = Date.now();
      await nats.kill();
      await nats.restart();
      for (const node of [one, two]) await node.until("/readyz", ({ status }) => status === 200);
      troubles.push({ from, to: Date.now() });
    }
    await load.more(100);
    await load.stop();
    const records = await drained(two, load.acknowledged, NAMES);
    checkCluster(load.acknowledged, records, { functions: FUNCTIONS, troubles });
  },
);

test(
  "nats-server is away for a minute: events are refused with 503 and Retry-After, and all goes on by itself",
  { timeout: 180_000 },
  async () => {
    await using nats = await startNats();
    const options = { config: CONFIG, nats: nats.url };
    await using one = await startNode(options);
    await using two = await startNode(options);
    using load = startLoad({ urls: () => [one.url, two.url], keys: KEYS });
    await load.more(100);
    const from = Date.now();
    await nats.stop();
    for (const node of [one, two]) {
      const { body } = await node.until<Readiness>("/readyz", ({ status }) => status === 503);
      assert.equal(body.ready, false);
      const refused = await node.post<{ code: string }>("/events/order.placed");
      assert.equal(refused.status, 503);
      assert.equal(refused.body.code, "LOG_UNAVAILABLE");
      assert.equal(refused.headers.get("retry-after"), "1");
      assert.equal((await node.get("/livez")).status, 200);
      assert.equal((await node.get("/health")).status, 503);
    }
    // Far longer than the ack wait, the lease and every request's patience.
    await until(() => Date.now() > from + 60_000);
    const acknowledged = load.acknowledged.length;
    await nats.restart();
    for (const node of [one, two]) await node.until("/readyz", ({ status }) => status === 200);
    const troubles = [{ from, to: Date.now() }];
    await load.more(100);
    await load.stop();
    assert.ok(load.acknowledged.length >= acknowledged + 100);
    for (const { status, code, retryAfter } of load.refusals) {
      assert.deepEqual([status, code, retryAfter], [503, "LOG_UNAVAILABLE", "1"]);
    }
    const records = await drained(two, load.acknowledged, NAMES);
    checkCluster(load.acknowledged, records, { functions: FUNCTIONS, troubles });
  },
);

test(
  "a NATS cluster loses the leader of the log under load, and gets it back: nothing acknowledged is lost",
  TIMEOUT,
  async () => {
    await using cluster = await startNatsCluster(3);
    const options = { config: CONFIG, nats: cluster.urls.join(",") };
    await using one = await startNode(options);
    await using two = await startNode(options);
    const { body } = await one.get<{ durability: string }>("/readyz");
    assert.match(body.durability, /on 3 NATS servers/);
    assert.deepEqual([...new Set(await copies(cluster.urls))], [3]);
    using load = startLoad({ urls: () => [one.url, two.url], keys: KEYS });
    await using _waiting = startWaiting([one, two]);
    const troubles: Trouble[] = [];
    for (let round = 0; round < 2; round += 1) {
      await load.more(100);
      const leader = await cluster.leaderOf("NEXUS_EVENTS");
      const from = Date.now();
      await leader.kill();
      await load.more(100);
      for (const node of [one, two]) await node.until("/readyz", ({ status }) => status === 200);
      await leader.restart();
      await cluster.whole();
      troubles.push({ from, to: Date.now() });
    }
    await load.more(100);
    await load.stop();
    const records = await drained(two, load.acknowledged, NAMES);
    checkCluster(load.acknowledged, records, { functions: FUNCTIONS, troubles });
  },
);

test(
  "a node is cut off from NATS: it refuses events, another takes its deliveries, and it heals by itself",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    await using proxy = await tcpProxy(nats.port);
    await using far = await startNode({ config: CONFIG, nats: `nats://127.0.0.1:${proxy.port}` });
    await using near = await startNode({ config: CONFIG, nats: nats.url });
    using load = startLoad({ urls: () => [far.url, near.url], keys: KEYS });
    const troubles: Trouble[] = [];
    for (const how of ["silent", "reset"] as const) {
      await load.more(100);
      const from = Date.now();
      proxy.cut(how);
      const before = near.runsOf("chain");
      await load.more(100); // each client goes on at the near node when the far one has refused
      await until(() => near.runsOf("chain") >= before + 50);
      const { body } = await far.until<Readiness>("/readyz", ({ status }) => status === 503);
      assert.equal(body.ready, false);
      proxy.heal();
      await far.until("/readyz", ({ status }) => status === 200);
      troubles.push({ from, to: Date.now() });
      const ran = far.runsOf("few");
      await load.more(100);
      await until(() => far.runsOf("few") > ran);
    }
    await load.stop();
    const refused = load.refusals.filter(({ url }) => url === far.url);
    assert.ok(refused.length > 0);
    for (const { status, code, retryAfter } of refused) {
      assert.deepEqual([status, code, retryAfter], [503, "LOG_UNAVAILABLE", "1"]);
    }
    assert.deepEqual(
      load.refusals.filter(({ url }) => url === near.url),
      [],
    );
    const records = await drained(near, load.acknowledged, NAMES);
    checkCluster(load.acknowledged, records, { functions: FUNCTIONS, troubles });
  },
);

test(
  "a full JetStream store refuses events with LOG_FULL, loses nothing, and takes them again when there is room",
  TIMEOUT,
  async () => {
    await using nats = await startNats({ jetStream: { maxFileBytes: 8 * 1024 * 1024 } });
    const config = `${probes({ name: "few", on: "{ event: order.* }", yaml: "env: { OUTPUT: ok }" })}${SHORT_WAIT}`;
    const roomy = `${config}retention: { events: { max_size: 1Mi } }\n`;
    await using one = await startNode({ config, nats: nats.url });
    await using two = await startNode({ config, nats: nats.url });
    using load = startLoad({
      urls: () => [one.url, two.url],
      keys: KEYS,
      data: { ballast: "x".repeat(10_000) },
    });
    while (!load.refusals.some(({ code }) => code === "LOG_FULL")) await load.tried();
    const full = load.acknowledged.length;
    assert.ok(full > 100, `${full}`);
    // The new node's retention makes room, without a word from anybody.
    await using three = await startNode({ config: roomy, nats: nats.url });
    await load.more(50);
    await load.stop();
    for (const { status, code, retryAfter } of load.refusals) {
      assert.deepEqual([status, code, retryAfter], [503, "LOG_FULL", "1"]);
    }
    const records = await drained(three, load.acknowledged, ["few"]);
    checkCluster(load.acknowledged, records, {
      functions: [{ name: "few", ordered: false, runMs: 0 }],
    });
  },
);

test(
  "a client that does not read and a function that is too slow hold nobody else back",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    const config = `${probes(
      { name: "few", on: "{ event: order.* }" },
      { name: "late", on: "{ event: order.* }", yaml: "concurrency: 1\nenv: { SPIN_MS: '60' }" },
    )}${SHORT_WAIT}`;
    await using one = await startNode({ config, nats: nats.url });
    await using two = await startNode({ config, nats: nats.url });
    const leaving = new AbortController();
    // Headers only: the body is never read.
    await fetch(`${one.url}/events/stream`, { signal: leaving.signal });
    using load = startLoad({
      urls: () => [one.url, two.url],
      keys: KEYS,
      data: { ballast: "x".repeat(20_000) },
    });
    await load.more(600);
    await load.stop();
    const records = await drained(two, load.acknowledged, ["few"]);
    const late = records.filter((record) => record.function === "late").length;
    assert.ok(late < load.acknowledged.length, "the slow one is still at it");
    checkCluster(load.acknowledged, records, {
      functions: [{ name: "few", ordered: false, runMs: 0 }],
    });
    leaving.abort();
  },
);
