// A process that runs functions over and over in one worker; prints its memory early and late.
import { threadRuntime } from "@nexus-functions/server/runtime/host/thread-runtime";
import { inFlight } from "../loop.ts";
import { LIMITS, noops, REQUEST } from "../modules.ts";

export interface GrowthResult {
  /** Bytes resident. */
  readonly before: number;
  readonly after: number;
  readonly perSecond: number;
}

/** Memory goes up and down between collections: the lowest over this share of the run is what is kept. */
const WINDOW = 0.1;
const SAMPLES = 20;

const [from, to] = process.argv.slice(2, 4).map(Number) as [number, number];
const runtime = threadRuntime({ workers: 1, maxWorkers: 1 });
const versions = noops().map(({ language }) => language);
for (const { language, bytes } of noops()) {
  await runtime.load({ version: language, bytes, limits: LIMITS });
}

let done = 0;
const begun = performance.now();
await runUntil(from * (1 - WINDOW));
const before = await residentOver(from * WINDOW);
await runUntil(to - from * WINDOW);
const after = await residentOver(from * WINDOW);
const perSecond = done / ((performance.now() - begun) / 1000);
await runtime.close();
const result: GrowthResult = { before, after, perSecond };
console.log(JSON.stringify(result));

async function residentOver(count: number): Promise<number> {
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    await runUntil(done + count / SAMPLES);
    globalThis.gc!();
    samples.push(process.memoryUsage.rss());
  }
  return Math.min(...samples);
}

function runUntil(target: number): Promise<void> {
  return inFlight(64, Math.round(target - done), async () => {
    const version = versions[(done += 1) % versions.length]!;
    const outcome = await runtime.invoke({ version, function: version, ...REQUEST });
    if (outcome.status !== "succeeded") throw new Error(outcome.error?.message);
  });
}
