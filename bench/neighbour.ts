// neighbour: what a function's callers feel while another function's endless loops hold every thread
// they can get. The same server and the same requests, alone and beside the loops, in turns.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median, type Figure } from "./figures.ts";
import type { Rounds } from "./http.ts";
import { load, type LoadResult } from "./load.ts";
import { nexusServer } from "./processes.ts";

const CONNECTIONS = 8;
/** Loops that wait to be run: enough for all threads, for longer than a round takes. */
const LOOPS_PER_SECOND = 40;

/** `(module (func (export "_start") (loop $forever (br $forever))))` */
const ENDLESS = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02,
  0x01, 0x00, 0x07, 0x0a, 0x01, 0x06, 0x5f, 0x73, 0x74, 0x61, 0x72, 0x74, 0x00, 0x00, 0x0a, 0x09,
  0x01, 0x07, 0x00, 0x03, 0x40, 0x0c, 0x00, 0x0b, 0x0b,
]);

const config = (endless: string) => `version: v1
functions:
  - name: answer
    on: { http: { method: POST, path: /answer, respond: true } }
    code: "{root}/packages/server/fixtures/noop.wasm"
  - name: hostile
    on: { event: bench.hostile }
    code: ${JSON.stringify(endless)}
    timeout: 1s
    retry: { attempts: 1 }
`;

export async function neighbour({ rounds, seconds }: Rounds): Promise<readonly Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), "nexus-bench-"));
  try {
    const module = join(dir, "endless.wasm");
    writeFileSync(module, ENDLESS);
    const alone: LoadResult[] = [];
    const beside: LoadResult[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await using quiet = await nexusServer({ config: config(module) });
      await call(quiet.url, 1);
      alone.push(await call(quiet.url, seconds));
      await using busy = await nexusServer({ config: config(module) });
      await call(busy.url, 1);
      await publishLoops(busy.url, LOOPS_PER_SECOND * seconds);
      beside.push(await call(busy.url, seconds));
    }
    const p99 = (results: readonly LoadResult[]) => median(results.map(({ p99Ms }) => p99Ms));
    const p50 = (results: readonly LoadResult[]) => median(results.map(({ p50Ms }) => p50Ms));
    return [
      {
        name: "neighbour p99",
        value: p99(beside),
        unit: "ms beside endless loops",
        limit: p99(alone),
        limitName: "alone, ms",
        aim: { atMost: 2 },
        note: `p50 ${p50(beside).toFixed(1)} beside ${p50(alone).toFixed(1)} ms at ${CONNECTIONS} connections`,
      },
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function call(url: string, seconds: number): Promise<LoadResult> {
  const contentType = "application/json";
  return load({
    url: `${url}/answer`,
    body: "{}",
    contentType,
    connections: CONNECTIONS,
    seconds,
  });
}

/** Resolves when the loops hold threads. */
async function publishLoops(url: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) {
    const response = await fetch(`${url}/events/bench.hostile`, { method: "POST", body: "x" });
    if (!response.ok) throw new Error(`Cannot publish a hostile event: ${await response.text()}`);
    await response.body?.cancel();
  }
  const ended = /^nexus_invocations_total\{[^}]*status="timed_out"[^}]*\} [1-9]/m;
  while (!ended.test(await (await fetch(`${url}/metrics`)).text())) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
