// A real Prometheus scrapes a real server: what rules and dashboards ask for is there, under these labels.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { probes } from "@nexus-functions/server/testing/server";
import { until } from "@nexus-functions/server/testing/until";
import { filledIn, queries, readDashboards } from "../testing/dashboards.ts";
import { guardedServer, type GuardedServer } from "../testing/guarded-server.ts";
import { selectors } from "../testing/promql.ts";
import { startPrometheus, type Prometheus } from "../testing/prometheus.ts";
import { readRules } from "../testing/rules.ts";

const FUNCTIONS = probes(
  { name: "fine", on: "{ event: fine.* }" },
  {
    name: "broken",
    on: "{ event: broken.* }",
    yaml: 'env: { FAIL_UNTIL: "9" }\nretry: { attempts: 2, backoff: 100ms, jitter: false }',
  },
  { name: "ticker", on: '{ cron: "* * * * * *" }' },
  {
    name: "page",
    on: "{ http: { method: GET, path: /page, respond: true } }",
    yaml: 'env: { FAIL_UNTIL: "9" }\nretry: { attempts: 1 }',
  },
);

/** Not of this server: what NATS' exporter tells. */
const OF_OTHERS = /^(?:up\{job="nats"\}|jetstream_\w+\{.*job="nats".*\})$/;

const opened = new AsyncDisposableStack();
let server: GuardedServer;
let prometheus: Prometheus;

before(async () => {
  server = opened.use(await guardedServer(FUNCTIONS));
  prometheus = opened.use(await startPrometheus(server.url, server.readToken));
  // Seen as 0 first: only then can an increase be told.
  await until(() =>
    prometheus.count('nexus_deliveries_total{state="dead", function="broken"} == 0'),
  );
  await server.publish("fine.one");
  await server.publish("broken.one");
  await fetch(`${server.url}/page`);
  await until(() =>
    prometheus.count('nexus_deliveries_total{state="dead", function="broken"} > 0'),
  );
  await until(() => prometheus.count('nexus_http_requests_total{status="5xx"}'));
  await until(() => prometheus.count("nodejs_gc_duration_seconds_sum"));
  await until(() => prometheus.count("nexus_cron_late_seconds"));
  await until(() => prometheus.count('ALERTS{alertname="NexusDeadLetters", alertstate="firing"}'));
});
after(() => opened.disposeAsync());

test("Prometheus scrapes the server with a read token", async () => {
  const [target, ...others] = await prometheus.targets();
  assert.deepEqual([target!.health, target!.lastError, others.length], ["up", "", 0]);
});

test("every rule is evaluated without a fault", async () => {
  const rules = await until(
    () => prometheus.rules(),
    (rules) => rules.every(({ health }) => health !== "unknown"),
  );
  assert.equal(rules.length, (await readRules()).length);
  for (const { name, health, lastError } of rules)
    assert.equal(health, "ok", `${name}: ${lastError}`);
});

test("a dead letter fires its alert, and says of which function", async () => {
  const rule = await until(
    async () => (await prometheus.rules()).find(({ name }) => name === "NexusDeadLetters"),
    (rule) => rule?.state === "firing",
  );
  const alert = rule!.alerts.find(({ labels }) => labels["function"] === "broken");
  assert.match(alert!.annotations["summary"]!, /^broken has new dead letters$/);
  assert.match(alert!.annotations["description"]!, /^[\d.]+ deliveries of broken used up/);
});

test("every selector of a rule finds series of the server", async () => {
  for (const { alert, expr } of await readRules()) await allFound(alert, expr);
});

test("every selector and every query of a dashboard finds series of the server", async () => {
  for (const dashboard of await readDashboards()) {
    for (const { where, expr } of queries(dashboard)) {
      const query = filledIn(expr);
      await allFound(where, query);
      const isOfOthers = selectors(query).every(({ text }) => OF_OTHERS.test(text));
      const series = await until(
        () => prometheus.count(query),
        (series) => series > 0 || isOfOthers,
      );
      assert.equal(series > 0, !isOfOthers, `${where} shows nothing: ${query}`);
    }
  }
});

test("the variables of every dashboard have values", async () => {
  for (const { title, templating } of await readDashboards()) {
    for (const { name, type, query } of templating.list) {
      if (type !== "query") continue;
      assert.ok(typeof query === "object");
      const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(query.query)!;
      assert.ok((await prometheus.values(label!, metric!)).length > 0, `${title}: $${name}`);
    }
  }
});

async function allFound(where: string, query: string): Promise<void> {
  const all = selectors(query);
  assert.ok(all.length > 0, `${where} reads nothing`);
  for (const { text } of all) {
    if (OF_OTHERS.test(text)) continue;
    assert.ok((await prometheus.count(text)) > 0, `${where}: nothing matches ${text}`);
  }
}
