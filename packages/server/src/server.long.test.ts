import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Invocation } from "./core/invocation.ts";
import { probes } from "./testing/server.ts";
import { until } from "./testing/until.ts";

const SERVE = fileURLToPath(new URL("./testing/serve.ts", import.meta.url));
const ROUNDS = 20;

interface Served {
  readonly child: ChildProcess;
  readonly url: string;
}

async function serve(dir: string): Promise<Served> {
  const child = spawn(process.execPath, ["--conditions=nexus-source", SERVE], {
    env: {
      ...process.env,
      NEXUS_PORT: "0",
      NEXUS_CONFIG: join(dir, "nexus.yaml"),
      NEXUS_DATA_DIR: join(dir, "data"),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, url: line.toString().trim() };
}

/** Publishes until the server is gone; adds what was acknowledged to `acknowledged`. */
async function publish(url: string, acknowledged: Map<string, number>, prefix: string) {
  for (let n = 0; ; n += 1) {
    const id = `${prefix}-${n}`;
    try {
      const response = await fetch(`${url}/events/order.placed`, {
        method: "POST",
        headers: { "content-type": "application/json", "ce-id": id },
        body: JSON.stringify({ n }),
      });
      if (response.status !== 202) return;
      acknowledged.set(id, ((await response.json()) as { position: number }).position);
    } catch {
      return; // killed in the middle of this request: not acknowledged
    }
  }
}

async function all<T>(url: string, path: string, key: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const query = `limit=1000${cursor === undefined ? "" : `&cursor=${cursor}`}`;
    const page = (await (await fetch(`${url}${path}?${query}`)).json()) as Record<string, unknown>;
    items.push(...(page[key] as T[]));
    cursor = page["next_cursor"] as string | undefined;
  } while (cursor !== undefined);
  return items;
}

test(
  `the server is killed ${ROUNDS} times under load: no acknowledged event is lost, each function ran, positions never repeat`,
  { timeout: 300_000 },
  async (t) => {
    const dir = await mkdtemp(join(tmpdir(), "nexus-kill-"));
    t.after(() => rm(dir, { recursive: true, force: true }));
    await writeFile(
      join(dir, "nexus.yaml"),
      probes(
        { name: "bill", on: "{ event: order.* }" },
        { name: "ship", on: "{ event: order.placed }" },
      ),
    );
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const { child, url } = await serve(dir);
      const before = acknowledged.size;
      const load = Promise.all(
        [0, 1, 2, 3].map((writer) => publish(url, acknowledged, `r${round}w${writer}`)),
      );
      // Killed after a number of acknowledgements, different each round, so that it hits anywhere.
      const enough = before + 20 + round * 17;
      while (acknowledged.size < enough) await new Promise((resolve) => setImmediate(resolve));
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await Promise.all([load, gone]);
    }

    const { child, url } = await serve(dir);
    t.after(() => child.kill("SIGKILL"));
    const events = await all<{ id: string }>(url, "/events", "events");
    const kept = new Set(events.map(({ id }) => id));
    const lost = [...acknowledged.keys()].filter((id) => !kept.has(id));
    assert.deepEqual(lost, [], "acknowledged and lost");
    assert.equal(kept.size, events.length, "no event twice");
    assert.equal(new Set(acknowledged.values()).size, acknowledged.size, "no position twice");

    const missing = async (): Promise<string[]> => {
      const records = await all<Invocation>(url, "/invocations", "invocations");
      const ran = new Set(
        records
          .filter(({ status }) => status === "succeeded")
          .map((record) => `${record.function} ${record.event_id}`),
      );
      return [...kept].flatMap((id) =>
        ["bill", "ship"].map((name) => `${name} ${id}`).filter((run) => !ran.has(run)),
      );
    };
    await until(missing, ({ length }) => length === 0);
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    const [code] = (await gone) as [number | null];
    assert.equal(code, 0, "drains and ends well");
  },
);
