// accept, call and pipeline: the same requests against the bare handler and against nexus, in turns.
import type { Figure } from "./figures.ts";
import { median } from "./figures.ts";
import { load, type LoadResult } from "./load.ts";
import { bareServer, nexusServer, type Server } from "./processes.ts";

export interface Rounds {
  readonly rounds: number;
  readonly seconds: number;
}

export const CONNECTIONS = 64;
export const KILOBYTE = JSON.stringify({ customer: "c-1042", text: "x".repeat(1024 - 35) });
export const JSON_TYPE = "application/json";

const MODULE = "{root}/packages/server/fixtures/noop.wasm";
const NO_FUNCTION = `version: v1
functions:
  - name: nobody
    on: { event: bench.never }
    code: ${MODULE}
`;
const CALL = `version: v1
functions:
  - name: answer
    on: { http: { method: POST, path: /answer, respond: true } }
    code: ${MODULE}
    concurrency: 64
`;
const PIPELINE = `version: v1
functions:
  - name: worker
    on: { event: bench.order }
    code: ${MODULE}
    concurrency: 64
`;

/** Durable 1 KB events through POST /events/{type}, against a bare handler that reads the same body. */
export async function accept(options: Rounds): Promise<readonly Figure[]> {
  await using nexus = await nexusServer({ config: NO_FUNCTION });
  return await besideBare("accept", "durable events/s", 0.6, nexus, "/events/bench.order", options);
}

/** A request/response function through HTTP, a fresh instance each time. */
export async function call(options: Rounds): Promise<readonly Figure[]> {
  await using nexus = await nexusServer({ config: CALL });
  return await besideBare("call", "calls/s", 0.5, nexus, "/answer", options);
}

async function besideBare(
  name: string,
  unit: string,
  atLeast: number,
  nexus: Server,
  path: string,
  { rounds, seconds }: Rounds,
): Promise<readonly Figure[]> {
  await using bare = await bareServer();
  await posted(`${nexus.url}${path}`, 1); // both warm before anything counts
  await posted(`${bare.url}${path}`, 1);
  const ours: LoadResult[] = [];
  const limits: LoadResult[] = [];
  for (let round = 0; round < rounds; round += 1) {
    limits.push(await posted(`${bare.url}${path}`, seconds));
    ours.push(await posted(`${nexus.url}${path}`, seconds));
  }
  return [
    {
      name,
      value: median(ours.map(({ perSecond }) => perSecond)),
      unit,
      limit: median(limits.map(({ perSecond }) => perSecond)),
      limitName: "bare node:http",
      aim: { atLeast },
      note: `p50 ${median(ours.map(({ p50Ms }) => p50Ms)).toFixed(1)} ms, p99 ${median(ours.map(({ p99Ms }) => p99Ms)).toFixed(1)} ms at ${CONNECTIONS} connections`,
    },
  ];
}

/** Accept → run → recorded → acked: from the first request until the last delivery is settled. */
export async function pipeline({ rounds, seconds }: Rounds): Promise<readonly Figure[]> {
  const rates: number[] = [];
  for (let round = 0; round < rounds; round += 1) rates.push(await pipelineRate(seconds));
  return [
    {
      name: "pipeline",
      value: median(rates),
      unit: "events/s accepted, run, recorded, acked",
      aim: { atLeast: 5000 },
    },
  ];
}

function posted(url: string, seconds: number): Promise<LoadResult> {
  return load({
    url,
    body: KILOBYTE,
    contentType: JSON_TYPE,
    connections: CONNECTIONS,
    seconds,
  });
}

/** Events a second through a server of its own. `env`: what it is told beside the usual. */
export async function pipelineRate(
  seconds: number,
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  await using nexus = await nexusServer({ config: PIPELINE, env });
  const url = `${nexus.url}/events/bench.order`;
  await posted(url, 1); // warm before anything counts
  await settled(nexus.url);
  const before = await counts(nexus.url);
  const begun = performance.now();
  await posted(url, seconds);
  const after = await settled(nexus.url);
  return (after.done - before.done) / ((performance.now() - begun) / 1000);
}

interface Counts {
  readonly accepted: number;
  readonly done: number;
}

async function settled(url: string): Promise<Counts> {
  for (;;) {
    const now = await counts(url);
    if (now.done >= now.accepted) return now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function counts(url: string): Promise<Counts> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return {
    accepted: sum(text, /^nexus_events_accepted_total\{.*status="accepted".*\} (\d+)/gm),
    done: sum(text, /^nexus_deliveries_total\{.*state="done".*\} (\d+)/gm),
  };
}

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0);
}
