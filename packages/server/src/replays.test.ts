// Replay jobs and the life of the processes that work at them.
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { processEnvironment } from "./config.ts";
import type { ReplayJob } from "./core/replay-job.ts";
import type { ReplayReport } from "./replay/report.ts";
import { temporaryFolder } from "./testing/folder.ts";
import { startNats } from "./testing/nats.ts";
import { startNode, type TestNode } from "./testing/nodes.ts";
import { FIXTURES } from "./testing/server.ts";
import { until } from "./testing/until.ts";

const SERVE = fileURLToPath(new URL("./testing/serve.ts", import.meta.url));
const ORDERS = 80;

const config = (version: 1 | 2): string => `version: v1
functions:
  - name: price
    on: { event: order.* }
    code: ${FIXTURES}price-v${version}.wasm
    retry: { attempts: 1 }
`;

type Job = ReplayJob & { readonly report: ReplayReport };

interface Served {
  readonly child: ChildProcess;
  /** What it logged, a line each. */
  readonly lines: readonly string[];
  ask<T>(method: string, path: string, body?: unknown): Promise<T>;
}

async function serve(dir: string): Promise<Served> {
  const child = spawn(process.execPath, ["--conditions=nexus-source", SERVE, "log"], {
    env: {
      ...processEnvironment(),
      NEXUS_PORT: "0",
      NEXUS_CONFIG: join(dir, "nexus.yaml"),
      NEXUS_DATA_DIR: join(dir, "data"),
      NEXUS_LOG_FORMAT: "json",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  createInterface(child.stderr).on("line", (line) => lines.push(line));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const url = line.toString().trim();
  return {
    child,
    lines,
    async ask<T>(method: string, path: string, body?: unknown) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await response.json()) as T;
    },
  };
}

async function end({ child }: Served, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  const gone = once(child, "exit");
  child.kill(signal);
  await gone;
}

/** Prices orders on the first version, and puts the second one into service; the second one's name. */
async function prepared(dir: string): Promise<string> {
  await writeFile(join(dir, "nexus.yaml"), config(1));
  const one = await serve(dir);
  for (let amount = 0; amount < ORDERS; amount += 1) {
    await one.ask("POST", "/events/order.placed?wait=20s", { amount: amount * 2 });
  }
  await end(one, "SIGTERM");
  await writeFile(join(dir, "nexus.yaml"), config(2));
  const two = await serve(dir);
  const { functions } = await two.ask<{ functions: { version: string }[] }>("GET", "/functions");
  await end(two, "SIGTERM");
  return functions[0]!.version;
}

const SIGNALS = ["SIGKILL", "SIGTERM"] as const;

for (const signal of SIGNALS) {
  test(
    `a replay goes on after its server was ended with ${signal}, and its report is that of one undisturbed`,
    { timeout: 100_000 },
    async (t) => {
      await using folder = await temporaryFolder();
      const version = await prepared(folder.path);
      const request = { function: "price", against: { version } };
      const first = await serve(folder.path);
      t.after(() => first.child.kill("SIGKILL"));
      const { id } = await first.ask<Job>("POST", "/replays", { ...request, rate: 25 });
      const seen = await until(
        () => first.ask<Job>("GET", `/replays/${id}`),
        ({ done }) => done >= ORDERS / 2,
      );
      assert.equal(seen.ended_at, null);
      await end(first, signal);

      const second = await serve(folder.path);
      t.after(() => second.child.kill("SIGKILL"));
      const job = await until(
        () => second.ask<Job>("GET", `/replays/${id}`),
        ({ ended_at }) => ended_at !== null,
      );
      assert.equal(job.state, "done");
      assert.deepEqual([job.chosen, job.done, job.report.compared], [ORDERS, ORDERS, ORDERS]);
      const goesOn = second.lines.find((line) => line.includes("Replay goes on"));
      assert.ok(
        (JSON.parse(goesOn ?? "{}") as { done: number }).done > 0,
        "not from the first run",
      );

      const { id: other } = await second.ask<Job>("POST", "/replays", request);
      const undisturbed = await until(
        () => second.ask<Job>("GET", `/replays/${other}`),
        ({ ended_at }) => ended_at !== null,
      );
      assert.deepEqual(job.report.counts, undisturbed.report.counts);
      assert.deepEqual(job.report.groups, undisturbed.report.groups);
      assert.deepEqual(job.counts, undisturbed.counts);
      await end(second, "SIGTERM");
    },
  );
}

test(
  "a replay goes on on another node of the cluster when the one that works at it is killed, and both tell of it",
  { timeout: 100_000 },
  async () => {
    await using nats = await startNats();
    const options = { config: config(1), nats: nats.url };
    await using one = await startNode(options);
    await using two = await startNode(options);
    for (let amount = 1; amount <= ORDERS; amount += 1) {
      const { status } = await one.post("/events/order.placed?wait=20s", { amount });
      assert.equal(status, 200);
    }
    const { body } = await one.get<{ functions: { version: string }[] }>("/functions");
    const { version } = body.functions[0]!;
    const request = { function: "price", against: { version }, rate: 25 };
    const { body: created } = await two.post<Job>("/replays", request);
    const path = `/replays/${created.id}`;
    await one.until<Job>(path, ({ body }) => body.done >= ORDERS / 2);
    const begun = (node: TestNode) => node.lines.some((line) => line.includes("Replay begins"));
    assert.notEqual(begun(one), begun(two), "one of them works at it");
    const [working, other] = begun(one) ? [one, two] : [two, one];
    await working.kill();
    const { body: job } = await other.until<Job>(path, ({ body }) => body.ended_at !== null);
    assert.equal(job.state, "done");
    assert.deepEqual([job.done, job.report.compared, job.counts.same], [ORDERS, ORDERS, ORDERS]);
    assert.ok(other.lines.some((line) => line.includes("Replay goes on")));
  },
);

test(
  "a replay that is cancelled on one node ends on the other, which works at it",
  { timeout: 60_000 },
  async () => {
    await using nats = await startNats();
    const options = { config: config(1), nats: nats.url };
    await using one = await startNode(options);
    await using two = await startNode(options);
    for (const amount of [1, 2, 3]) await one.post("/events/order.placed?wait=20s", { amount });
    const { body } = await one.get<{ functions: { version: string }[] }>("/functions");
    const { version } = body.functions[0]!;
    const request = { function: "price", against: { version }, rate: 0.1 };
    const { body: created } = await two.post<Job>("/replays", request);
    const path = `/replays/${created.id}`;
    await one.until<Job>(path, ({ body }) => body.done > 0);
    const begun = two.lines.some((line) => line.includes("Replay begins"));
    const asked = begun ? one : two;
    assert.equal((await asked.post(`${path}/cancel`)).status, 200);
    const { body: job } = await asked.until<Job>(path, ({ body }) => body.ended_at !== null);
    assert.deepEqual([job.state, job.report.compared], ["cancelled", job.done]);
  },
);
