// `nexus replay --function … --against …`: real processes, against a real server.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Replay, ReplayList, ReplayWithReport, Rerun } from "@nexus-functions/client/api.gen";
import { BIN, FIXTURES, nexus, startNexus, type Ended } from "../testing/nexus.ts";
import { devServer, type TestServer } from "../testing/server.ts";

const TIMEOUT = { timeout: 60_000 };
const V1 = `${FIXTURES}price-v1.wasm`;
const V2 = `${FIXTURES}price-v2.wasm`;
const PRICE = `  - name: price
    on: { event: order.* }
    code: ${V1}
    retry: { attempts: 1 }
`;
const AMOUNTS = [20, 100, 60, 0, -5, 21];

let server: TestServer;
/** Of the run that priced 100. */
let changed: string;

before(async () => {
  server = await devServer(PRICE);
  const bodies = AMOUNTS.map((amount) => JSON.stringify({ amount }));
  for (const body of bodies) {
    const { stdout } = await run([
      "publish",
      "order.placed",
      "--data",
      body,
      "--wait",
      "20s",
      "--json",
    ]);
    const { invocations } = JSON.parse(stdout) as { invocations: { id: string }[] };
    if (body === bodies[1]) changed = invocations[0]!.id;
  }
}, TIMEOUT);
after(() => server[Symbol.asyncDispose]());

function run(args: readonly string[]): Promise<Ended> {
  return nexus(args, { env: { NEXUS_URL: server.url }, cwd: server.dir });
}

async function replays(): Promise<readonly Replay[]> {
  const response = await fetch(`${server.url}/replays`);
  return ((await response.json()) as ReplayList).replays;
}

test(
  "nexus replay --function reports what a candidate does otherwise, and nothing else in a pipe",
  TIMEOUT,
  async () => {
    const { code, stdout, stderr } = await run([
      "replay",
      "--function",
      "price",
      "--since",
      "1h",
      "--against",
      V2,
    ]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(
      stdout,
      /^✗ 4 of 6 runs differ: 1 newly failing, 2 changed, 1 newly passing, 2 same\n/,
    );
    assert.match(stdout, /\n {2}output +~ .*total\n/);
    assert.match(stdout, /\n {2}effect +\+ emit com\.example\.large\n/);
  },
);

test("nexus replay --fail-on says by its exit code what it found", TIMEOUT, async () => {
  const of = async (...args: string[]): Promise<number | null> =>
    (await run(["replay", "--function", "price", ...args])).code;
  assert.equal(await of("--against", V2, "--fail-on", "changed"), 1);
  assert.equal(await of("--against", V2, "--fail-on", "failing"), 1);
  assert.equal(await of("--against", V1, "--fail-on", "changed"), 0);
  assert.equal(await of("--against", V2, "--fail-on", "failing", "--status", "failed"), 0);
  assert.equal(await of("--against", V1, "--fail-on", "changed", "--type", "none"), 1);
});

test(
  "nexus replay --json and --report give the report to programs and browsers",
  TIMEOUT,
  async () => {
    const page = join(server.dir, "out.html");
    const { code, stdout, stderr } = await run([
      "replay",
      "--function",
      "price",
      "--against",
      V2,
      "--json",
      "--report",
      page,
      "--concurrency",
      "2",
      "--rate",
      "1000",
    ]);
    assert.deepEqual([code, stderr], [0, ""]);
    const replay = JSON.parse(stdout) as ReplayWithReport;
    assert.equal(replay.state, "done");
    assert.equal(replay.report.compared, AMOUNTS.length);
    const html = await readFile(page, "utf8");
    assert.match(html, /4 of 6 runs differ/);
    assert.match(html, /com\.example\.large/);
  },
);

test("nexus replay --sample, --limit, --until and --event-id choose", TIMEOUT, async () => {
  const chosen = async (...args: string[]): Promise<number> => {
    const { stdout } = await run(["replay", "-f", "price", "--against", V1, "--json", ...args]);
    return (JSON.parse(stdout) as ReplayWithReport).report.compared;
  };
  assert.equal(await chosen("--limit", "2"), 2);
  assert.equal(await chosen("--until", "1h"), 0);
  assert.equal(await chosen("--sample", "100%"), AMOUNTS.length);
  assert.equal(await chosen("--event-id", "none"), 0);
});

test("nexus replay <invocation> --against shows what differs", TIMEOUT, async () => {
  const { code, stdout } = await run(["replay", changed, "--against", V2]);
  assert.equal(code, 1);
  assert.match(stdout, /✗ not identical: output, effects\n/);
  assert.match(stdout, /\n +- +"total": 120\n +\+ +"total": 140\n/);
  const same = await run(["replay", changed, "--against", V1]);
  assert.equal(same.code, 0, same.stderr);
});

test(
  "nexus replay <invocation> --set-data and --set-clock show what it would have done",
  TIMEOUT,
  async () => {
    const clock = "2026-01-01T00:00:00Z";
    const { code, stdout, stderr } = await run([
      "replay",
      changed,
      "--set-data",
      "data.amount=50",
      "--set-clock",
      clock,
      "--json",
    ]);
    assert.deepEqual([code, stderr], [1, ""]);
    const { recorded, replayed } = JSON.parse(stdout) as Rerun;
    const was = JSON.parse(recorded.output) as object;
    assert.deepEqual(JSON.parse(replayed.output), {
      ...was,
      total: 60,
      at: Date.parse(clock) / 1000,
    });
    const call = await run(["replay", changed, "--set-call", '1={"status":500}']);
    assert.match(call.stderr, /call 1: the host answered 0 in the recorded run/);
    for (const wrong of ["--set-data=x", "--set-clock=noon", "--set-call=1=2"])
      assert.equal((await run(["replay", changed, wrong])).code, 2, wrong);
  },
);

test("nexus replay --against-version takes a version that was served", TIMEOUT, async () => {
  const { stdout } = await run(["functions", "--json"]);
  const { functions } = JSON.parse(stdout) as { functions: { version: string }[] };
  const version = functions[0]!.version.slice(0, 12);
  const replayed = await run(["replay", "-f", "price", "--against-version", version]);
  assert.deepEqual([replayed.code, replayed.stderr], [0, ""]);
  assert.match(replayed.stdout, /^✓ All 6 runs are the same\n/);
});

test("nexus replay --function ends its replay at Ctrl-C", TIMEOUT, async () => {
  const before = (await replays()).length;
  await using replay = startNexus(["replay", "-f", "price", "--against", V2, "--rate", "1"], {
    env: { NEXUS_URL: server.url },
  });
  let newest: Replay | undefined;
  while (newest === undefined || newest.done === 0) {
    const all = await replays();
    if (all.length > before) newest = all[0];
  }
  replay.child.kill("SIGINT");
  const { code, stdout, stderr } = await replay.ended();
  assert.equal(code, 130);
  assert.equal(stdout, "");
  assert.match(stderr, new RegExp(`^Replay ${newest.id} is cancelled\\.\n`));
  while (newest.ended_at === null) newest = (await replays())[0]!;
  assert.equal(newest.state, "cancelled");
});

test(
  "nexus replay --function shows on a terminal how far it is",
  { ...TIMEOUT, skip: existsSync("/usr/bin/script") ? false : "needs script(1)" },
  () => {
    const args = ["replay", "-f", "price", "--against", V2, "--rate", "5", "--url", server.url];
    const command = [process.execPath, BIN, ...args].join(" ");
    const { stdout, status } = spawnSync("/usr/bin/script", ["-qec", command, "/dev/null"], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], TERM: "xterm", COLUMNS: "100" },
    });
    assert.equal(status, 0);
    assert.match(stdout, /Replaying .*[1-5] of 6 runs/);
    assert.match(stdout, /✗.* 4 of 6 runs differ/);
  },
);

test(
  "nexus replay --dry-run says how many runs there are and what they did, and runs none",
  TIMEOUT,
  async () => {
    const { code, stdout } = await run(["replay", "-f", "price", "--live", "--dry-run"]);
    assert.equal(code, 0);
    assert.match(stdout, /^6 runs would be made again\. When they were recorded, they did /);
    assert.match(stdout, /real effects once more: .* NEXUS_IDEMPOTENCY_KEY that it had/);
    const candidate = await run(["replay", "-f", "price", "--against", V2, "--dry-run", "--json"]);
    assert.equal((JSON.parse(candidate.stdout) as { chosen: number }).chosen, 6);
  },
);

test(
  "nexus replay --live runs them on the version in service, marked as replays",
  TIMEOUT,
  async () => {
    const { code, stdout, stderr } = await run(["replay", "-f", "price", "--live", "--limit", "2"]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^[✓✗] .*2 runs/);
    const response = await fetch(`${server.url}/invocations?function=price&limit=100`);
    const { invocations } = (await response.json()) as { invocations: { trigger: string }[] };
    assert.equal(invocations.filter(({ trigger }) => trigger === "replay").length, 2);
  },
);

test("nexus replay refuses what it cannot do, and says why", TIMEOUT, async () => {
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await run(["replay", ...args]);
    return `${code} ${stderr.split("\n")[0]}`;
  };
  assert.match(await refused(), /^2 nexus: cannot replay: name an invocation/);
  assert.match(await refused("-f", "price"), /^2 nexus: cannot replay "price": it needs --against/);
  assert.match(
    await refused("-f", "price", "--against", V1, "--against-version", "abcd"),
    /^2 nexus: cannot replay on both/,
  );
  assert.match(
    await refused("-f", "price", "--against", V1, "--live"),
    /^2 nexus: cannot replay both live and on a candidate/,
  );
  assert.match(await refused("-f", "price", "--against", "nowhere.wasm"), /^1 .*does not exist/);
  const wrong = join(server.dir, "wrong.wasm");
  await writeFile(wrong, "no module");
  assert.match(await refused("-f", "price", "--against", wrong), /^1 .*not a WebAssembly module/);
  assert.match(await refused("-f", "price", "--sample", "2"), /^2 .*not a share/);
  assert.match(await refused("some-id", "--since", "1h"), /^2 .*--since/);
});
