// The load test itself: against the real server on loopback, and the k6 script beside it.
import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { test } from "node:test";
import { bareServer, nexusServer } from "../processes.ts";
import { runScenario } from "./load.ts";
import { reportText, verdicts, type LoadReport } from "./report.ts";
import { readScenario, stepRequest, type StepName } from "./scenario.ts";

const TOKEN = "load-test-token-0123456789abcdef";
const scenario = readScenario();

test("runScenario() keeps every threshold against nexus start: no failure, all run, latency beside bare node:http", async (t) => {
  await using nexus = await nexusServer({
    config: `version: v1
functions:
  - name: loaded
    on: { event: ${scenario.event.type} }
    code: "{root}/packages/server/fixtures/noop.wasm"
    concurrency: 64
`,
    env: { NEXUS_API_TOKEN: TOKEN },
  });
  await using bare = await bareServer();
  const report = await runScenario(scenario, { url: nexus.url, token: TOKEN, bareUrl: bare.url });
  const all = verdicts(scenario, report);
  t.diagnostic(`\n${reportText(report, all)}`);
  const { accept, answer } = scenario.steps;
  const sent = scenario.rounds * accept.requests + answer.requests;
  assert.deepEqual(report.runs, { accepted: sent, done: sent });
  assert.deepEqual(
    all.filter(({ holds }) => !holds),
    [],
  );
});

test("verdicts() finds a failed request, an event that was not run, and latency beyond its ratio", () => {
  const figures = { requests: 10, failed: 0, perSecond: 10, p50Ms: 1, p99Ms: 2 };
  const runs = { accepted: 20, done: 20 };
  const good = { accept: figures, answer: figures, bareAccept: figures, runs };
  const { acceptP99OfBare, answerP99OfAccept } = scenario.thresholds;
  const slow = { ...figures, p99Ms: 2 * acceptP99OfBare + 1 };
  const slower = { ...figures, p99Ms: 2 * answerP99OfAccept + 1 };
  const broken: readonly (readonly [string[], LoadReport])[] = [
    [[], good],
    [["failedRequests"], { ...good, answer: { ...figures, failed: 1 } }],
    [["acceptedAndNotRun"], { ...good, runs: { accepted: 20, done: 19 } }],
    [["acceptP99OfBare"], { ...good, accept: slow }],
    [["answerP99OfAccept"], { ...good, answer: slower }],
  ];
  for (const [names, report] of broken) {
    const failing = verdicts(scenario, report).filter(({ holds }) => !holds);
    assert.deepEqual(
      failing.map(({ name }) => name),
      names,
    );
  }
});

interface K6Script {
  readonly options: {
    readonly scenarios: Readonly<
      Record<StepName, { readonly exec: string; readonly vus: number; readonly iterations: number }>
    >;
    readonly thresholds: Readonly<Record<string, readonly string[]>>;
  };
  readonly accept: () => void;
  readonly answer: () => void;
}

interface Sent {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

test("k6.js is a module that sends what the description says, to the same thresholds", async () => {
  const { k6, sent } = await loadK6({ URL: "http://nexus.test", TOKEN, BARE_P99_MS: "2" });
  const { failedRequests, acceptP99OfBare, answerP99OfAccept } = scenario.thresholds;
  assert.equal(failedRequests, 0);
  assert.deepEqual(k6.options.thresholds, {
    http_req_failed: ["rate==0"],
    checks: ["rate==1"],
    "http_req_duration{scenario:accept}": [`p(99)<${2 * acceptP99OfBare}`],
    "http_req_duration{scenario:answer}": [`p(99)<${2 * acceptP99OfBare * answerP99OfAccept}`],
  });
  for (const name of ["accept", "answer"] as const) {
    const { connections } = scenario.steps[name];
    const requests = scenario.steps[name].requests * (name === "accept" ? scenario.rounds : 1);
    const { exec, vus, iterations } = k6.options.scenarios[name];
    assert.deepEqual(
      { exec, vus, iterations },
      { exec: name, vus: connections, iterations: requests },
    );
    k6[name]();
    const { path, body, headers } = stepRequest(scenario, name, TOKEN);
    assert.deepEqual(sent.pop(), { url: `http://nexus.test${path}`, body, headers });
  }
});

/** The script with k6's own modules replaced: there is no k6 here, and its are not on npm. */
async function loadK6(
  env: Readonly<Record<string, string>>,
): Promise<{ k6: K6Script; sent: Sent[] }> {
  const sent: Sent[] = [];
  const world = globalThis as Record<string, unknown>;
  world["__ENV"] = env;
  world["open"] = (path: string) => {
    assert.equal(path, "./scenario.json");
    return JSON.stringify(scenario);
  };
  world["k6Post"] = (url: string, body: string, { headers }: { headers: Sent["headers"] }) => {
    sent.push({ url, body, headers });
    return { status: 202 };
  };
  const modules: Readonly<Record<string, string>> = {
    k6: "export const check = () => true; export const sleep = () => undefined;",
    "k6/http": "export default { post: globalThis.k6Post };",
  };
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      Object.hasOwn(modules, specifier)
        ? {
            url: `data:text/javascript,${encodeURIComponent(modules[specifier]!)}`,
            shortCircuit: true,
          }
        : next(specifier, context),
  });
  try {
    const file = new URL("k6.js", import.meta.url).href;
    return { k6: (await import(file)) as K6Script, sent };
  } finally {
    hooks.deregister();
  }
}
