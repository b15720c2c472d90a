// npm run bench -- --nats: the event log on NATS JetStream, against what the same client does with the
// same server without it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { EventLog } from "@nexus-functions/server/log/log";
import { natsLog } from "@nexus-functions/server/log/drivers/nats";
import { settle } from "@nexus-functions/server/log/testing/fixtures";
import { startNats, type TestNats } from "@nexus-functions/server/testing/nats";
import openWabt from "wabt";
import { shareOfCpu } from "./cpu-share.ts";
import { benchEvent, rate } from "./events.ts";
import { median, type Figure } from "./figures.ts";
import { pipelineRate } from "./http.ts";
import { nexusServer } from "./processes.ts";
import { type RecordingOptions, recordingsOn } from "./recordings.ts";
import { type StateOptions, stateOn } from "./state.ts";

export interface NatsOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** Events for one writer, and for many. */
  readonly few: number;
  readonly many: number;
}

const RAW = "RAW";

/** Appends through the port beside raw publishing: the same bytes, the same client, the same concurrency. */
export async function natsAppend({ rounds, few, many }: NatsOptions): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const [writers, count] of [
    [1, few],
    [64, many],
    [512, many],
  ] as const) {
    const ours: number[] = [];
    const raw: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      raw.push(await withServer((server) => rawPublish(server, writers, count)));
      // Made before the clock runs: what is compared are two ways to the same server.
      const events = Array.from({ length: count }, benchEvent).values();
      ours.push(
        await withLog((log) => rate(writers, count, () => log.append([events.next().value!]))),
      );
    }
    figures.push({
      name: `nats append, ${writers} writer${writers === 1 ? "" : "s"}`,
      value: median(ours),
      unit: "appends/s",
      limit: median(raw),
      limitName: "raw publish",
      aim: { atLeast: 0.8 },
    });
  }
  return figures;
}

async function rawPublish(server: TestNats, writers: number, count: number): Promise<number> {
  await using connection = await rawStream(server);
  const client = jetstream(connection);
  const data = benchEvent().event.json;
  return await rate(writers, count, () => client.publish("raw.event", data));
}

async function rawStream({ url }: TestNats): Promise<NatsConnection> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: RAW, subjects: ["raw.>"] });
  return connection;
}

/** Accept → run → recorded → acked through HTTP, beside publish + consume + ack in one process. */
export async function natsPipeline({
  rounds,
  seconds,
  many,
}: NatsOptions): Promise<readonly Figure[]> {
  const ours: number[] = [];
  const raw: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    raw.push(await withServer((server) => rawPipeline(server, many)));
    ours.push(await withServer(({ url }) => pipelineRate(seconds, { NATS_URL: url })));
  }
  return [
    {
      name: "nats pipeline",
      value: median(ours),
      unit: "events/s accepted, run, recorded, acked",
      limit: median(raw),
      limitName: "raw publish + consume + ack",
    },
  ];
}

async function rawPipeline(server: TestNats, count: number): Promise<number> {
  await using connection = await rawStream(server);
  const manager = await jetstreamManager(connection);
  await manager.consumers.add(RAW, { durable_name: "raw", ack_policy: AckPolicy.Explicit });
  const client = jetstream(connection);
  const consumer = await client.consumers.get(RAW, "raw");
  const data = benchEvent().event.json;
  const begun = performance.now();
  const published = rate(64, count, () => client.publish("raw.event", data));
  const messages = await consumer.consume({ max_messages: 256 });
  let left = count;
  for await (const message of messages) {
    await message.ackAck();
    left -= 1;
    if (left === 0) break;
  }
  await published;
  return count / ((performance.now() - begun) / 1000);
}

/** What a recording beside a record costs. */
export function natsRecordings(options: RecordingOptions): Promise<readonly Figure[]> {
  return withLog((log) => recordingsOn(log, "nats settle", options));
}

/** Small values by key. */
export function natsState(options: StateOptions): Promise<readonly Figure[]> {
  return withLog((log) => stateOn(log, "nats state", options));
}

/** From `append` to the delivery in the hands of whoever runs it. */
export async function natsLatency({ few }: NatsOptions): Promise<readonly Figure[]> {
  const times = await withLog(async (log) => {
    const abort = new AbortController();
    const subscription = { name: "fn", patterns: ["*"], concurrency: 64, start: "latest" } as const;
    const deliveries = log.consume(subscription, abort.signal)[Symbol.asyncIterator]();
    const measured: number[] = [];
    for (let i = 0; i < few; i += 1) {
      const next = deliveries.next();
      const begun = performance.now();
      const appended = log.append([benchEvent()]);
      const { value: delivery } = await next;
      measured.push(performance.now() - begun);
      await appended;
      await settle(log, delivery);
    }
    abort.abort();
    return measured.sort((a, b) => a - b);
  });
  const at = (share: number): number => times[Math.floor((times.length - 1) * share)]!;
  return [
    { name: "nats accept → start, p50", value: at(0.5), unit: "ms" },
    { name: "nats accept → start, p99", value: at(0.99), unit: "ms" },
  ];
}

const WAIT = `(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 5000000))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))`;

/** Of a core, for each node: what bounds a node must be the node, where all of them stand on one small machine. */
const NODE_CORES = 0.3;

/** Two nodes beside one, with a bound on each node's processor time, for a function that waits 5 ms. */
export async function natsNodes({ rounds, many }: NatsOptions): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "nexus-bench-"));
  const module = join(folder, "wait.wasm");
  writeFileSync(module, await compiled(WAIT));
  const one: Drained[] = [];
  const two: Drained[] = [];
  for (let round = 0; round < rounds; round += 1) {
    one.push(await withServer((server) => drained(server, { module, nodes: 1, events: many })));
    two.push(await withServer((server) => drained(server, { module, nodes: 2, events: many })));
  }
  rmSync(folder, { recursive: true });
  const bounded = [...one, ...two].every((round) => round.bounded);
  return [
    {
      name: `nats, two nodes, 5 ms waits${bounded ? "" : " (on shared cores)"}`,
      value: median(two.map(({ rate: runs }) => runs)),
      unit: "runs/s",
      limit: median(one.map(({ rate: runs }) => runs)),
      limitName: "one node",
      // Without a bound, what they share is measured: the machine's cores.
      ...(bounded ? { aim: { atLeast: 1.8 } } : {}),
    },
  ];
}

interface Drained {
  /** Runs a second. */
  readonly rate: number;
  readonly bounded: boolean;
}

async function drained(
  server: TestNats,
  { module, nodes, events }: { module: string; nodes: number; events: number },
): Promise<Drained> {
  const config = `version: v1
functions:
  - name: wait
    on: { event: "bench.*" }
    code: ${module}
    concurrency: 64
`;
  const env = { NATS_URL: server.url, NEXUS_WORKERS: "1" };
  await using connection = await connect({ servers: server.url });
  await using log = await natsLog({ connection });
  using shares = new DisposableStack(); // gone after the nodes: a group with a process in it stays
  await using stack = new AsyncDisposableStack();
  const started = await Promise.all(
    Array.from({ length: nodes }, async () => stack.use(await nexusServer({ config, env }))),
  );
  // Warm first, and without the bound: what is compared is how nodes run, not how they start.
  await run(log, events);
  const bounds = started.map(({ pid }) => shareOfCpu(pid, NODE_CORES));
  for (const bound of bounds) if (bound !== undefined) shares.use(bound);
  const from = performance.now();
  await run(log, events);
  return {
    rate: events / ((performance.now() - from) / 1000),
    bounded: bounds.every((bound) => bound !== undefined),
  };
}

/** Resolves when so many more events were appended, and each is recorded as run. */
async function run(log: EventLog, events: number): Promise<void> {
  const begun = performance.now();
  const target = (await log.status()).invocations + events;
  for (let done = 0; done < events; done += 500) {
    const size = Math.min(500, events - done);
    await log.append(Array.from({ length: size }, benchEvent));
  }
  while ((await log.status()).invocations < target) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (performance.now() - begun > 120_000) throw new Error("The nodes do not get done");
  }
}

async function withLog<T>(work: (log: EventLog) => Promise<T>): Promise<T> {
  return await withServer(async ({ url }) => {
    await using connection = await connect({ servers: url });
    await using log = await natsLog({ connection });
    return await work(log);
  });
}

async function withServer<T>(work: (server: TestNats) => Promise<T>): Promise<T> {
  await using server = await startNats();
  return await work(server);
}

async function compiled(text: string): Promise<Uint8Array> {
  const wabt = await openWabt();
  const module = wabt.parseWat("wait.wat", text);
  try {
    return new Uint8Array(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}
