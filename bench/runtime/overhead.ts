// What a fresh instance per call costs: a module that does next to nothing, through the runtime's port
// in one worker, beside the naive way in a worker of its own. All of it is overhead.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Runtime } from "@nexus-functions/server/runtime/runtime";
import { threadRuntime } from "@nexus-functions/server/runtime/host/thread-runtime";
import { median, type Figure } from "../figures.ts";
import { inFlight, percentile } from "./loop.ts";
import { ANSWER, LIMITS, noops, REQUEST, type Noop } from "./modules.ts";
import type { NaiveRound } from "./naive.ts";
import { processorTime, since } from "./processor-time.ts";

export interface OverheadOptions {
  readonly rounds: number;
  readonly calls: number;
}

/** Enough for V8 to have compiled both ways' hot code. */
const WARM_UP = 3000;
const WIDE = 64;

/** Microseconds a call. */
interface Round {
  readonly recordP50: number;
  readonly recordP99: number;
  readonly wallP50: number;
  readonly wallP99: number;
  /** Wall time of the round divided by its calls. */
  readonly wallEach: number;
  readonly guestEach: number;
  readonly mainEach: number;
}

export async function overhead(options: OverheadOptions): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const noop of noops()) figures.push(...(await ofModule(noop, options)));
  return figures;
}

async function ofModule(
  { language, bytes }: Noop,
  { rounds, calls }: OverheadOptions,
): Promise<readonly Figure[]> {
  const runtime = threadRuntime({ workers: 1, maxWorkers: 1 });
  const worker = new Worker(new URL("./naive.ts", import.meta.url), { workerData: bytes });
  try {
    await runtime.load({ version: language, bytes, limits: LIMITS });
    await ours(runtime, language, WIDE, WARM_UP);
    await theirs(worker, WARM_UP);
    const naive: Round[] = [];
    const narrow: Round[] = [];
    const wide: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
      naive.push(await theirs(worker, calls));
      narrow.push(await ours(runtime, language, 1, calls));
      wide.push(await ours(runtime, language, WIDE, calls));
    }
    return figuresOf(language, naive, narrow, wide);
  } finally {
    await worker.terminate();
    await runtime.close();
  }
}

async function ours(
  runtime: Runtime,
  version: string,
  width: number,
  calls: number,
): Promise<Round> {
  const record: number[] = [];
  const wall: number[] = [];
  const request = { version, function: "bench", ...REQUEST };
  const before = processorTime();
  const begun = performance.now();
  await inFlight(width, calls, async () => {
    const asked = performance.now();
    const outcome = await runtime.invoke(request);
    wall.push((performance.now() - asked) * 1000);
    record.push(outcome.durationMs * 1000);
    const answer = Buffer.from(outcome.output).toString();
    if (answer !== ANSWER) throw new Error(`The runtime answers ${answer}, not ${ANSWER}`);
  });
  const elapsed = performance.now() - begun;
  const spent = since(before, processorTime());
  return {
    recordP50: percentile(record, 0.5),
    recordP99: percentile(record, 0.99),
    wallP50: percentile(wall, 0.5),
    wallP99: percentile(wall, 0.99),
    wallEach: (elapsed / calls) * 1000,
    guestEach: (spent.guests / calls) * 1000,
    mainEach: (spent.main / calls) * 1000,
  };
}

async function theirs(worker: Worker, calls: number): Promise<Round> {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  worker.postMessage(calls);
  const [{ us, processorUs }] = (await once(worker, "message")) as [NaiveRound];
  const [p50, p99] = [percentile(us, 0.5), percentile(us, 0.99)];
  const each = us.reduce((sum, value) => sum + value, 0) / calls;
  return {
    recordP50: p50,
    recordP99: p99,
    wallP50: p50,
    wallP99: p99,
    wallEach: each,
    guestEach: processorUs / calls,
    mainEach: 0,
  };
}

function figuresOf(
  language: string,
  naive: readonly Round[],
  narrow: readonly Round[],
  wide: readonly Round[],
): readonly Figure[] {
  const of = (rounds: readonly Round[], key: keyof Round) => median(rounds.map((r) => r[key]));
  const us = (value: number) => value.toFixed(1);
  const name = (what: string) => `overhead, ${language}: ${what}`;
  return [
    {
      name: name("record's p50"),
      value: of(narrow, "recordP50"),
      unit: "µs",
      aim: { atMost: 30 },
      note: `1 in flight; ${us(of(wide, "recordP50"))} at ${WIDE}; what comes after the answer is not in it`,
    },
    {
      name: name("record's p99"),
      value: of(narrow, "recordP99"),
      unit: "µs",
      aim: { atMost: 100 },
      note: `1 in flight; ${us(of(wide, "recordP99"))} at ${WIDE}`,
    },
    {
      name: name("worker's processor time"),
      value: of(wide, "guestEach"),
      unit: "µs a call",
      limit: of(naive, "guestEach"),
      limitName: "naive, µs",
      aim: { atMost: 0.25 },
      note: `${WIDE} in flight, all of it: message, instance, run, reset; main thread ${us(of(wide, "mainEach"))} µs`,
    },
    {
      name: name("wall time, 64 in flight"),
      value: of(wide, "wallEach"),
      unit: "µs a call",
      limit: of(naive, "wallEach"),
      limitName: "naive, µs",
      note: `naive p99 ${us(of(naive, "wallP99"))} µs`,
    },
    {
      name: name("wall time, 1 in flight, p50"),
      value: of(narrow, "wallP50"),
      unit: "µs",
      limit: of(naive, "wallP50"),
      limitName: "naive p50, µs",
      note: `both ways between threads in it, and none in the naive; p99 ${us(of(narrow, "wallP99"))} µs`,
    },
  ];
}
