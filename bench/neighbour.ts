// neighbour: what a function's callers feel while another function is hostile, at a rate that holds every
// thread it can get. The same server and the same requests, alone and beside it, in turns.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { median, type Figure } from "./figures.ts";
import { hostile, type Hostile, type HostileName } from "./hostile.ts";
import type { Rounds } from "./http.ts";
import { load, type LoadResult } from "./load.ts";
import { nexusServer, type Server } from "./processes.ts";

const CONNECTIONS = 8;
/** A server that does not answer for this long is down. */
const ANSWER_MS = 10_000;
/** More than all threads can get through, where each run takes until it is ended. */
const HOSTILE_PER_SECOND = 40;

const config = (module: string) => `version: v1
functions:
  - name: answer
    on: { http: { method: POST, path: /answer, respond: true } }
    code: "{root}/packages/server/fixtures/noop.wasm"
  - name: hostile
    on: { event: bench.hostile }
    code: ${JSON.stringify(module)}
    timeout: 1s
    retry: { attempts: 1 }
`;

export async function neighbour(
  names: readonly HostileName[],
  { rounds, seconds }: Rounds,
): Promise<readonly Figure[]> {
  const kinds = await Promise.all(names.map((name) => hostile(name)));
  const alone: LoadResult[] = [];
  const beside = kinds.map((): (LoadResult | undefined)[] => []);
  for (let round = 0; round < rounds; round += 1) {
    alone.push(await withServer(kinds[0]!, ({ url }) => call(url, seconds)));
    for (const [index, kind] of kinds.entries()) {
      beside[index]!.push(await withServer(kind, ({ url }) => callBesideHostile(url, seconds)));
    }
  }
  return kinds.map(({ name }, index) => figureOf(name, beside[index]!, alone));
}

function figureOf(
  name: string,
  beside: readonly (LoadResult | undefined)[],
  alone: readonly LoadResult[],
): Figure {
  const up = beside.filter((result) => result !== undefined);
  const p99 = (results: readonly LoadResult[]) => median(results.map(({ p99Ms }) => p99Ms));
  const p50 = (results: readonly LoadResult[]) => median(results.map(({ p50Ms }) => p50Ms));
  const fell = up.length < beside.length;
  return {
    name: "neighbour p99",
    value: fell ? Infinity : p99(up),
    unit: `ms beside ${name}`,
    limit: p99(alone),
    limitName: "alone, ms",
    aim: { atMost: 2 },
    note: fell
      ? `the server stopped answering in ${beside.length - up.length} of ${beside.length} rounds`
      : `p50 ${p50(up).toFixed(1)} beside ${p50(alone).toFixed(1)} ms at ${CONNECTIONS} connections`,
  };
}

/** A server of its own, warm. */
async function withServer<T>(
  { module }: Hostile,
  work: (server: Server) => Promise<T>,
): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "nexus-bench-"));
  try {
    const path = join(dir, "hostile.wasm");
    writeFileSync(path, module);
    await using server = await nexusServer({ config: config(path) });
    await call(server.url, 1);
    return await work(server);
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

/** Undefined where the server did not outlive it. */
async function callBesideHostile(url: string, seconds: number): Promise<LoadResult | undefined> {
  const measured = new AbortController();
  const publishing = publishHostile(url, measured.signal);
  try {
    await firstEnded(url);
    return await call(url, seconds);
  } catch (error) {
    console.error(`neighbour: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  } finally {
    measured.abort();
    await publishing;
  }
}

async function publishHostile(url: string, signal: AbortSignal): Promise<void> {
  const options = { method: "POST", body: "x", signal };
  try {
    while (!signal.aborted) {
      const response = await fetch(`${url}/events/bench.hostile`, options);
      await response.body?.cancel();
      await setTimeout(1000 / HOSTILE_PER_SECOND, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Resolves when hostile runs have been under way for long enough that one was ended. */
async function firstEnded(url: string): Promise<void> {
  const ended = /^nexus_invocations_total\{[^}]*function="hostile"[^}]*\} [1-9]/m;
  const metrics = async () => {
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return await response.text();
  };
  while (!ended.test(await metrics())) await setTimeout(20);
}
