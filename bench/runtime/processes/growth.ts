// A process that runs functions over and over in one worker; prints its memory early and late.
import { once } from "node:events";
import { getHeapSpaceStatistics, getHeapStatistics } from "node:v8";
import type { Worker } from "node:worker_threads";
import { threadRuntime } from "@nexus-functions/server/runtime/host/thread-runtime";
import { inFlight } from "../loop.ts";
import { LIMITS, noops, REQUEST } from "../modules.ts";

/** Bytes. */
export interface Memory {
  readonly resident: number;
  /** What a full collection leaves of the heaps of the main thread and of the guests'. */
  readonly live: number;
  /** What V8 holds for young objects of the main thread, used or not: it doubles now and then, and stays so. */
  readonly young: number;
}

export interface GrowthResult {
  readonly before: Memory;
  readonly after: Memory;
  readonly perSecond: number;
}

const SAMPLES = 20;

const [from, to] = process.argv.slice(2, 4).map(Number) as [number, number];
/** Memory goes up and down between collections: the lowest over so many runs is what is kept. */
const window = from / 6;
const made = once(process, "worker") as Promise<[Worker]>;
const runtime = threadRuntime({ workers: 1, maxWorkers: 1 });
const [worker] = await made;
const versions = noops().map(({ language }) => language);
for (const { language, bytes } of noops()) {
  await runtime.load({ version: language, bytes, limits: LIMITS });
}

let done = 0;
const begun = performance.now();
// Long before the window: it empties the guest's heap, which takes its time to be as large again.
await runUntil(from / 2);
const live = await liveBytes();
await runUntil(from - window);
const before = { ...(await heldOver(window)), live };
await runUntil(to - window);
const held = await heldOver(window);
const after = { ...held, live: await liveBytes() };
const perSecond = done / ((performance.now() - begun) / 1000);
await runtime.close();
const result: GrowthResult = { before, after, perSecond };
console.log(JSON.stringify(result));

async function liveBytes(): Promise<number> {
  // A snapshot begins with a full collection, which cannot be asked of another thread otherwise.
  for await (const _ of await worker.getHeapSnapshot());
  const { used_heap_size: guest } = await worker.getHeapStatistics();
  globalThis.gc!();
  return guest + getHeapStatistics().used_heap_size;
}

async function heldOver(count: number): Promise<Omit<Memory, "live">> {
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    await runUntil(done + count / SAMPLES);
    globalThis.gc!();
    samples.push(process.memoryUsage.rss());
  }
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space");
  return { resident: Math.min(...samples), young: young?.space_size ?? 0 };
}

function runUntil(target: number): Promise<void> {
  return inFlight(64, Math.round(target - done), async () => {
    const version = versions[(done += 1) % versions.length]!;
    const outcome = await runtime.invoke({ version, function: version, ...REQUEST });
    if (outcome.status !== "succeeded") throw new Error(outcome.error?.message);
  });
}
