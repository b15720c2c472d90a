// A process with so many functions deployed, each of a module of its own; prints what they cost.
import { threadRuntime } from "@nexus-functions/server/runtime/host/thread-runtime";
import type { Runtime } from "@nexus-functions/server/runtime/runtime";
import { median } from "../../figures.ts";
import { percentile } from "../loop.ts";
import { distinct, LIMITS, noops, REQUEST } from "../modules.ts";

export interface IdleResult {
  readonly moduleBytes: number;
  readonly bytesEach: number;
  readonly heapBytesEach: number;
  readonly residentBytes: number;
  readonly deployMsEach: number;
  readonly compileMsEach: number;
  readonly firstMs: number;
  readonly firstP99Ms: number;
  readonly firstAloneMs: number;
  readonly warmMs: number;
}

const FEW = 100;
const functions = Number(process.argv[2]);
const module = noops()[0]!.bytes;

const compile: number[] = [];
for (let number = 0; number < FEW; number += 1) {
  const bytes = distinct(module, 1_000_000 + number);
  compile.push(await ms(() => WebAssembly.compile(bytes)));
}

const runtime = threadRuntime();
const few = await deploy(runtime, 0, FEW);
const alone = await firstCalls(runtime, few);

const before = settled();
const begun = performance.now();
const versions = await deploy(runtime, FEW, functions);
const deployMs = performance.now() - begun;
const after = settled();

const sample = shuffled(versions).slice(0, FEW);
const first = await firstCalls(runtime, sample);
const warm = await firstCalls(runtime, sample);
await runtime.close();

const result: IdleResult = {
  moduleBytes: module.length,
  bytesEach: (after.rss - before.rss) / functions,
  heapBytesEach: (after.heapUsed - before.heapUsed) / functions,
  residentBytes: after.rss,
  deployMsEach: deployMs / functions,
  compileMsEach: median(compile),
  firstMs: median(first),
  firstP99Ms: percentile(first, 0.99),
  firstAloneMs: median(alone),
  warmMs: median(warm),
};
console.log(JSON.stringify(result));

async function deploy(runtime: Runtime, from: number, count: number): Promise<readonly string[]> {
  const versions: string[] = [];
  for (let number = from; number < from + count; number += 1) {
    const version = `idle-${number}`;
    await runtime.load({ version, bytes: distinct(module, number), limits: LIMITS });
    versions.push(version);
  }
  return versions;
}

async function firstCalls(runtime: Runtime, versions: readonly string[]): Promise<number[]> {
  const times: number[] = [];
  for (const version of versions) {
    times.push(await ms(() => runtime.invoke({ version, function: version, ...REQUEST })));
  }
  return times;
}

function settled(): NodeJS.MemoryUsage {
  for (let time = 0; time < 3; time += 1) globalThis.gc!();
  return process.memoryUsage();
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}

async function ms(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
