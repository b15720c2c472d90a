// nexus export and nexus import, against real servers under load, and killed.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Accepted, CloudEvent, Invocation } from "@nexus-functions/client/api.gen";
import { startNats } from "@nexus-functions/server/testing/nats";
import { nexus, startNexus, type RunningNexus } from "../testing/nexus.ts";
import { HELLO, project } from "../testing/project.ts";

const TIMEOUT = { timeout: 120_000 };
const START = ["start", "--host", "127.0.0.1", "--port", "0"];

const SLOW = `  - name: slow
    on: { event: com.example.* }
    code: "{probe}"
    env: { SPIN_MS: "3" }
    concurrency: 2
`;

test(
  "nexus export of a server under load is one moment of it, which NATS takes and goes on from",
  TIMEOUT,
  async () => {
    await using folder = await project(HELLO + SLOW);
    await using nats = await startNats();
    const cwd = folder.path;
    const env = { NATS_URL: nats.url };
    let acknowledged: readonly string[];
    {
      await using server = await started(START, { cwd });
      await using load = publishing(server.url);
      await load.reached(200);
      acknowledged = [...load.acknowledged];
      const { code, stdout, stderr } = await nexus(["export", "one.nexus", "--json"], { cwd });
      assert.deepEqual([code, stderr], [0, ""]);
      const { driver, events } = JSON.parse(stdout) as { driver: string; events: number };
      assert.equal(driver, "embedded");
      assert.ok(events >= acknowledged.length, `${events} events`);
      const held = await nexus(["import", "one.nexus"], { cwd });
      assert.equal(held.code, 1);
      assert.match(
        held.stderr,
        /^nexus: cannot use data directory .*: the server with process id \d+ uses it\n/,
      );
    }
    const { code, stdout, stderr } = await nexus(["import", "one.nexus", "--json"], { cwd, env });
    assert.deepEqual([code, stderr], [0, ""]);
    const { driver, result, events } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([driver, result], ["nats", "imported"]);
    {
      await using server = await started(START, { cwd, env });
      const ids = await idsOf(server.url);
      assert.equal(ids.length, events);
      assert.deepEqual(
        acknowledged.filter((id) => !ids.includes(id)),
        [],
      );
      // Each function has run once on each event, before the move or after it.
      const runs = await runsOf(server.url, ids.length * 2);
      assert.deepEqual([...new Set(runs.values())], [1]);

      // And back, from a server that works, at least once each.
      await using load = publishing(server.url);
      await load.reached(200);
      const back = await nexus(["export", "two.nexus"], { cwd, env });
      assert.deepEqual([back.code, back.stderr], [0, ""]);
      assert.match(
        back.stdout,
        /^✓ two\.nexus {2}\d.*\n {2}[\d,]+ events, [\d,]+ records, 0 dead letters, .*, 1 module, 0 values of state\n$/,
      );
    }
    const home = ["--data-dir", "home"];
    assert.equal((await nexus(["import", "two.nexus", ...home], { cwd })).code, 0);
    await using server = await started([...START, ...home], { cwd });
    const ids = await idsOf(server.url);
    const runs = await runsOf(server.url, ids.length * 2);
    assert.equal(runs.size, ids.length * 2);
  },
);

test(
  "nexus export from NATS has the modules of versions that other machines brought",
  TIMEOUT,
  async () => {
    await using folder = await project(HELLO);
    await using nats = await startNats();
    const cwd = folder.path;
    const env = { NATS_URL: nats.url };
    {
      await using server = await started(START, { cwd, env });
      await fetch(`${server.url}/events/com.example.a?wait=20s`, { method: "POST", body: "1" });
    }
    const args = ["export", "a.nexus", "--data-dir", "elsewhere", "--json"];
    const { code, stdout } = await nexus(args, { cwd, env });
    assert.equal(code, 0);
    assert.equal((JSON.parse(stdout) as { modules: number }).modules, 1);
    assert.equal((await nexus(["import", "a.nexus", "--data-dir", "new"], { cwd })).code, 0);
    const [module] = await readdir(join(cwd, "new", "modules"));
    assert.match(module!, /^[0-9a-f]{64}\.wasm$/);
    assert.deepEqual(
      await readFile(join(cwd, "new", "modules", module!)),
      await readFile(join(cwd, ".nexus", "modules", module!)),
    );
  },
);

test("nexus export that was killed goes on with --resume", TIMEOUT, async () => {
  await using folder = await project(HELLO);
  const cwd = folder.path;
  await using server = await started(START, { cwd });
  const data = JSON.stringify(randomBytes(400_000).toString("base64"));
  const send = async (): Promise<unknown> =>
    (await fetch(`${server.url}/events/org.other`, { method: "POST", body: data })).json();
  for (let i = 0; i < 20; i += 1) await Promise.all(Array.from({ length: 10 }, send));
  const part = join(cwd, "a.nexus.part");
  do {
    // It may be done before it is killed: then it is tried again.
    await rm(join(cwd, "a.nexus"), { force: true });
    await using exporting = startNexus(["export", "a.nexus"], { cwd });
    const size = (): number => statSync(part, { throwIfNoEntry: false })?.size ?? 0;
    while (size() < 1_000_000 && !existsSync(join(cwd, "a.nexus"))) await new Promise(setImmediate);
    exporting.child.kill("SIGKILL");
    await exporting.ended();
  } while (!existsSync(part));
  assert.ok(!existsSync(join(cwd, "a.nexus")));
  const again = await nexus(["export", "a.nexus"], { cwd });
  assert.equal(again.code, 1);
  assert.match(
    again.stderr,
    /^nexus: cannot write "a\.nexus\.part": it is there from an export that was cut off\n {2}Go on with --resume, or remove it first\.\n$/,
  );
  const { code, stdout } = await nexus(["export", "a.nexus", "--resume", "--json"], { cwd });
  assert.equal(code, 0);
  assert.equal((JSON.parse(stdout) as { events: number }).events, 200);
  assert.ok(!existsSync(part));
  const { code: imported, stdout: said } = await nexus(["import", "a.nexus", "--data-dir", "b"], {
    cwd,
  });
  assert.equal(imported, 0);
  assert.match(said, /^✓ a\.nexus is imported \(embedded\)\n {2}200 events, /);
});

test(
  "nexus import refuses what was changed or cut off, and a log that holds something",
  TIMEOUT,
  async () => {
    await using folder = await project(HELLO);
    const cwd = folder.path;
    {
      await using server = await started(START, { cwd });
      await fetch(`${server.url}/events/com.example.a?wait=20s`, { method: "POST", body: "1" });
      assert.equal((await nexus(["export", "a.nexus"], { cwd })).code, 0);
    }
    const refusal = async (file: string, dir: string): Promise<string> => {
      const { code, stdout, stderr } = await nexus(["import", file, "--data-dir", dir], { cwd });
      assert.deepEqual([code, stdout], [1, ""]);
      return stderr;
    };
    const bytes = await readFile(join(cwd, "a.nexus"));
    bytes[300]! ^= 1;
    await writeFile(join(cwd, "changed.nexus"), bytes);
    await writeFile(join(cwd, "cut.nexus"), bytes);
    await truncate(join(cwd, "cut.nexus"), 100);
    assert.match(
      await refusal("changed.nexus", "new"),
      /^nexus: cannot use archive "changed\.nexus": it was changed after it was written, in the part at byte \d+\n/,
    );
    assert.match(
      await refusal("cut.nexus", "new"),
      /^nexus: cannot use archive "cut\.nexus": it is cut off at byte \d+ \(its end is missing\)\n/,
    );
    assert.match(await refusal("nexus.yaml", "new"), /it is not an archive of `nexus export`/);
    assert.match(
      await refusal("none.nexus", "new"),
      /^nexus: cannot read "none\.nexus": it does not exist\n$/,
    );
    assert.ok(!existsSync(join(cwd, "new")));
    assert.match(
      await refusal("a.nexus", ".nexus"),
      /^nexus: cannot import into "\.nexus\/log": it holds events, records or state already\n/,
    );
    const twice = ["import", "a.nexus", "--data-dir", "new"];
    assert.equal((await nexus(twice, { cwd })).code, 0);
    const { code, stdout } = await nexus(twice, { cwd });
    assert.equal(code, 0);
    assert.match(stdout, /^! a\.nexus was imported here before; nothing was changed\n/);
    const existing = await nexus(["export", "a.nexus"], { cwd });
    assert.deepEqual([existing.code, existing.stdout], [1, ""]);
    assert.match(existing.stderr, /^nexus: cannot write "a\.nexus": it exists already\n/);
    assert.equal((await nexus(["export"], { cwd })).code, 2);
    assert.equal((await nexus(["import", "a.nexus", "--driver", "other"], { cwd })).code, 2);
  },
);

interface Started extends AsyncDisposable {
  readonly url: string;
}

async function started(
  args: readonly string[],
  options: Parameters<typeof startNexus>[1],
): Promise<Started> {
  const running: RunningNexus = startNexus(args, options);
  const [, url] = await running.shows(/"url":"([^"]+)"/);
  return {
    url: url!,
    async [Symbol.asyncDispose]() {
      running.child.kill("SIGTERM");
      await running.ended();
    },
  };
}

interface Load extends AsyncDisposable {
  readonly acknowledged: readonly string[];
  /** Resolves when so many were acknowledged. */
  reached(count: number): Promise<void>;
}

/** Publishes events, some at a time, until it is disposed. */
function publishing(url: string): Load {
  const acknowledged: string[] = [];
  const stop = new AbortController();
  const one = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const response = await fetch(`${url}/events/com.example.load`, { method: "POST", body: "1" });
      acknowledged.push(((await response.json()) as Accepted).event_id);
    }
  };
  const all = Promise.all([one(), one(), one(), one()]);
  return {
    acknowledged,
    async reached(count) {
      while (acknowledged.length < count) await Promise.race([all, new Promise(setImmediate)]);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await all;
    },
  };
}

async function idsOf(url: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const event of pages<CloudEvent>(`${url}/events?limit=1000`, "events"))
    ids.push(event.id);
  return ids;
}

/** How often each function has finished each event; asked until there are so many of them. */
async function runsOf(url: string, count: number): Promise<Map<string, number>> {
  for (;;) {
    const runs = new Map<string, number>();
    const all = pages<Invocation>(`${url}/invocations?limit=1000`, "invocations");
    for await (const { function: name, event_id: id } of all) {
      runs.set(`${name} ${id}`, (runs.get(`${name} ${id}`) ?? 0) + 1);
    }
    if (runs.size >= count) return runs;
  }
}

async function* pages<T>(url: string, list: string): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const response = await fetch(cursor === undefined ? url : `${url}&cursor=${cursor}`);
    const page = (await response.json()) as Record<string, unknown>;
    yield* page[list] as T[];
    cursor = page["next_cursor"] as string | undefined;
  } while (cursor !== undefined);
}
