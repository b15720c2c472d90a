// What being recorded costs a call, and how fast the past is run again.
import { median, type Figure } from "./figures.ts";
import { JSON_TYPE, type Rounds } from "./http.ts";
import { load, type LoadResult } from "./load.ts";
import { nexusServer } from "./processes.ts";

/** A server with room left, and one that has none. */
const CONNECTIONS = [8, 64];
/** Ten host calls that are recorded, in a text of a kilobyte: chance.c does what the letters behind `!` say. */
const TEN_CALLS = `${"0".repeat(1_000)}!rxrxrxrxrx`;
const RECORDED = ["full", "off"] as const;

const COST = `version: v1
functions:
${RECORDED.map(
  (record) => `  - name: ${record}
    on: { http: { method: POST, path: /${record}, respond: true } }
    code: "{root}/packages/server/fixtures/chance.wasm"
    concurrency: 64
    record: ${record}
`,
).join("")}`;

const NOOP = `version: v1
functions:
  - name: answer
    on: { http: { method: POST, path: /answer, respond: true } }
    code: "{root}/packages/server/fixtures/noop.wasm"
    concurrency: 64
  - name: worker
    on: { event: bench.order }
    code: "{root}/packages/server/fixtures/noop.wasm"
    concurrency: 64
`;

/** A call through HTTP that is recorded beside the same one that is not, in turns. */
export async function recordingCost(options: Rounds): Promise<readonly Figure[]> {
  await using nexus = await nexusServer({ config: COST });
  const figures: Figure[] = [];
  for (const connections of CONNECTIONS) {
    figures.push(await costAt(connections, nexus.url, options));
  }
  return figures;
}

async function costAt(
  connections: number,
  url: string,
  { rounds, seconds }: Rounds,
): Promise<Figure> {
  const call = (record: string, forSeconds: number): Promise<LoadResult> =>
    load({
      url: `${url}/${record}`,
      body: TEN_CALLS,
      contentType: "text/plain",
      connections,
      seconds: forSeconds,
    });
  const results = { full: [] as LoadResult[], off: [] as LoadResult[] };
  for (const record of RECORDED) await call(record, 1); // warm before anything counts
  for (let round = 0; round < rounds; round += 1) {
    // Whoever comes second in a round finds a larger log.
    const order = round % 2 === 0 ? RECORDED : RECORDED.toReversed();
    for (const record of order) results[record].push(await call(record, seconds));
  }
  const p50 = (record: (typeof RECORDED)[number]): number =>
    median(results[record].map(({ p50Ms }) => p50Ms));
  const perSecond = (record: (typeof RECORDED)[number]): string =>
    Math.round(median(results[record].map((result) => result.perSecond))).toLocaleString("en");
  return {
    name: "recorded call p50",
    value: p50("full"),
    unit: `ms, ten host calls, ${connections} connections`,
    limit: p50("off"),
    limitName: "record: off, ms",
    aim: { atMost: 1.05 },
    note: `${perSecond("full")}/s beside ${perSecond("off")}/s`,
  };
}

export interface ReplayOptions {
  readonly rounds: number;
  /** Recorded runs that are made again in a round. */
  readonly runs: number;
}

interface Job {
  readonly id: string;
  readonly state: string;
  readonly done: number;
  readonly counts: { readonly same: number };
}

/** A replay job over recorded runs of a function that does nothing, on its own version. */
export async function replays({ rounds, runs }: ReplayOptions): Promise<readonly Figure[]> {
  await using nexus = await nexusServer({ config: NOOP });
  await record(nexus.url, runs);
  const version = await versionIn(nexus.url);
  const rates: number[] = [];
  // One round more, which does not count: the first is slower.
  for (let round = 0; round <= rounds; round += 1) {
    const begun = performance.now();
    const request = { function: "worker", limit: runs, concurrency: 64, against: { version } };
    const job = await ended(nexus.url, await answer<Job>(`${nexus.url}/replays`, request));
    if (job.counts.same !== runs)
      throw new Error(`Not all runs are the same: ${JSON.stringify(job)}`);
    if (round > 0) rates.push(runs / ((performance.now() - begun) / 1_000));
  }
  return [
    {
      name: "replays",
      value: median(rates),
      unit: "recorded no-op runs/s made again and compared",
      aim: { atLeast: 10_000 },
      note: `jobs of ${runs.toLocaleString("en")} runs, 64 at a time`,
    },
  ];
}

/** Calls through HTTP while a job makes past runs again, one at a time as it does unless told, beside the same ones alone. */
export async function replayNeighbour(
  { rounds, seconds }: Rounds,
  runs: number,
): Promise<readonly Figure[]> {
  await using nexus = await nexusServer({ config: NOOP });
  await record(nexus.url, runs);
  const version = await versionIn(nexus.url);
  const calls = (forSeconds: number): Promise<LoadResult> =>
    load({
      url: `${nexus.url}/answer`,
      body: "{}",
      contentType: JSON_TYPE,
      connections: 8,
      seconds: forSeconds,
    });
  const request = { function: "worker", limit: runs, against: { version } };
  const results = { alone: [] as LoadResult[], beside: [] as LoadResult[] };
  await calls(1);
  for (let round = 0; round < rounds; round += 1) {
    results.alone.push(await calls(seconds));
    const enough = new AbortController();
    const replaying = replayUntil(enough.signal, nexus.url, request);
    results.beside.push(await calls(seconds));
    enough.abort();
    await replaying;
  }
  const p99 = (which: keyof typeof results): number =>
    median(results[which].map(({ p99Ms }) => p99Ms));
  const p50 = (which: keyof typeof results): string =>
    median(results[which].map(({ p50Ms }) => p50Ms)).toFixed(2);
  return [
    {
      name: "calls p99 beside a replay",
      value: p99("beside"),
      unit: "ms",
      limit: p99("alone"),
      limitName: "alone, ms",
      aim: { atMost: 2 },
      note: `p50 ${p50("beside")} beside ${p50("alone")} ms at 8 connections`,
    },
  ];
}

/** One job after the other. */
async function replayUntil(signal: AbortSignal, url: string, request: object): Promise<void> {
  while (!signal.aborted) {
    const job = await answer<Job>(`${url}/replays`, request);
    const stop = () => void fetch(`${url}/replays/${job.id}/cancel`, { method: "POST" });
    signal.addEventListener("abort", stop, { once: true });
    await ended(url, job, ["done", "cancelled"]);
    signal.removeEventListener("abort", stop);
  }
}

async function versionIn(url: string): Promise<string> {
  return (await answer<{ version: string }>(`${url}/functions/worker`)).version;
}

async function record(url: string, runs: number): Promise<void> {
  const event = { specversion: "1.0", source: "/bench", type: "bench.order", data: {} };
  for (let done = 0; done < runs; done += 500) {
    const batch = Array.from({ length: Math.min(500, runs - done) }, (_, index) => {
      return { ...event, id: `e-${done + index}` };
    });
    const response = await fetch(`${url}/events?wait=60s`, {
      method: "POST",
      headers: { "content-type": "application/cloudevents-batch+json" },
      body: JSON.stringify(batch),
    });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`Cannot record runs: ${response.status}`);
  }
}

async function ended(url: string, { id }: Job, ends = ["done"]): Promise<Job> {
  for (;;) {
    const job = await answer<Job>(`${url}/replays/${id}`);
    if (ends.includes(job.state)) return job;
    if (job.state !== "queued" && job.state !== "running") throw new Error(JSON.stringify(job));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function answer<T>(url: string, body?: unknown): Promise<T> {
  const response = await fetch(url, {
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    headers: { "content-type": JSON_TYPE },
  });
  const json = (await response.json()) as T;
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${JSON.stringify(json)}`);
  return json;
}
