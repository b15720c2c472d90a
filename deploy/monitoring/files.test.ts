// What the files say, without a server: rules, objects of Kubernetes, dashboards, Compose's mounts.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, test } from "node:test";
import { parse } from "yaml";
import {
  DASHBOARDS,
  dashboardProblems,
  readDashboards,
  type Dashboard,
} from "../testing/dashboards.ts";
import { appliedManifests, inRepository, overlayManifests } from "../testing/manifest.ts";
import { monitorProblems } from "../testing/monitors.ts";
import { prometheusRule } from "../testing/prometheus-rule.ts";
import { needPrometheus, promtool, RULES } from "../testing/prometheus.ts";
import { readRules } from "../testing/rules.ts";
import { schemaCheck } from "../testing/schema.ts";

const HERE = inRepository("deploy/monitoring");
const check = schemaCheck();

interface RuleTests {
  readonly tests: readonly {
    readonly promql_expr_test: readonly {
      readonly expr: string;
      readonly exp_samples: readonly { readonly labels: string }[];
    }[];
  }[];
}

before(needPrometheus);

test("rules.yaml is one that Prometheus takes, and every test of its alerts holds", async () => {
  assert.match(await promtool("check", "rules", RULES), /SUCCESS/);
  await promtool("test", "rules", `${HERE}/prometheus/rules.test.yaml`);
});

test("rules.test.yaml has each alert firing, and each one silent", async () => {
  const text = await readFile(`${HERE}/prometheus/rules.test.yaml`, "utf8");
  const cases = (parse(text) as RuleTests).tests.flatMap((one) => one.promql_expr_test);
  const fired = cases.flatMap(({ exp_samples }) => exp_samples.map(({ labels }) => labels));
  for (const { alert, labels } of await readRules()) {
    const quiet = cases.some(
      ({ expr, exp_samples }) => expr.includes(`"${alert}"`) && exp_samples.length === 0,
    );
    assert.ok(quiet, `${alert} is never silent`);
    const asks = [`alertname="${alert}"`, `severity="${labels["severity"]}"`];
    assert.ok(
      fired.some((labels) => asks.every((ask) => labels.includes(ask))),
      `${asks.join(", ")} never fires`,
    );
  }
});

test("every alert has a severity, a summary, a description and its section of the runbook", async () => {
  for (const { alert, labels, annotations } of await readRules()) {
    assert.ok(["critical", "warning"].includes(labels["severity"]!), alert);
    assert.ok(annotations["summary"]! && annotations["description"]!, alert);
    assert.match(
      annotations["runbook_url"]!,
      new RegExp(`/docs/RUNBOOK\\.md#${alert.toLowerCase()}$`),
    );
  }
});

test("prometheus-rule.yaml is made from rules.yaml", async () => {
  const made = await readFile(`${HERE}/kubernetes/prometheus-rule.yaml`, "utf8");
  const rules = await readFile(RULES, "utf8");
  assert.equal(made, prometheusRule(rules), "run `npm run generate:monitoring`");
  const { spec } = parse(made) as { readonly spec: unknown };
  assert.deepEqual(spec, parse(rules));
});

test("deploy/monitoring is made of known objects, and its monitor finds the server's Service", async () => {
  const monitoring = await overlayManifests(HERE);
  assert.deepEqual(monitoring.flatMap(check), []);
  assert.deepEqual(monitoring.map(({ kind }) => kind).sort(), [
    "ConfigMap",
    "PrometheusRule",
    "ServiceMonitor",
  ]);
  const applied = await appliedManifests(inRepository("k8s"));
  assert.deepEqual(monitorProblems(monitoring, applied, "nexus-functions"), []);
});

for (const [from, to, problem] of [
  ["app.kubernetes.io/name: nexus-functions\n  endpoints", "a: b\n  endpoints", /selects 0/],
  ["port: http", "port: https", /no port "https"/],
  ["jobLabel: app.kubernetes.io/name", "jobLabel: app", /would not be called/],
  ["interval: 15s", "interval: 15", /must be string/],
  ["interval: 15s", "intervall: 15s", /intervall/],
  ["key: token", "keys: token", /required property 'key'/],
] as const) {
  test(`a ServiceMonitor with ${JSON.stringify(to)} in it is found`, async () => {
    const text = await readFile(`${HERE}/kubernetes/service-monitor.yaml`, "utf8");
    assert.ok(text.includes(from));
    const broken = parse(text.replace(from, to)) as Parameters<typeof check>[0];
    const applied = await appliedManifests(inRepository("k8s"));
    const problems = [...check(broken), ...monitorProblems([broken], applied, "nexus-functions")];
    assert.match(problems.join("\n"), problem);
  });
}

test("the dashboards have units, variables and their panels side by side", async () => {
  const dashboards = await readDashboards();
  assert.deepEqual(dashboards.flatMap(dashboardProblems), []);
  assert.equal(new Set(dashboards.map(({ uid }) => uid)).size, 3);
  const [map] = (await overlayManifests(HERE)).filter(({ kind }) => kind === "ConfigMap");
  for (const { file } of dashboards) {
    assert.equal(map!.data![file], await readFile(`${DASHBOARDS}/${file}`, "utf8"));
  }
});

for (const [name, change, problem] of [
  ["no unit", { fieldConfig: { defaults: {} } }, /no unit/],
  ["no description", { description: "" }, /does not say/],
  ["a fixed data source", { datasource: { type: "prometheus", uid: "p" } }, /is not the variable/],
  ["a place beyond the columns", { gridPos: { x: 20, y: 0, w: 8, h: 4 } }, /24 columns/],
  ["the place of another", { gridPos: { x: 0, y: 0, w: 4, h: 4 } }, /lies over/],
  ["no query", { targets: [] }, /asks nothing/],
] as const) {
  test(`dashboardProblems() finds a panel with ${name}`, async () => {
    const [dashboard] = await readDashboards();
    const panels = [...dashboard!.panels.slice(0, -1), { ...dashboard!.panels.at(-1)!, ...change }];
    const broken: Dashboard = { ...dashboard!, panels };
    assert.match(dashboardProblems(broken).join("\n"), problem);
  });
}
