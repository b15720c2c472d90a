// What long service does to memory, each in a fresh process: ten thousand functions that wait for their
// first event (idle), and a million invocations (growth).
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Figure } from "../figures.ts";
import type { GrowthResult } from "./processes/growth.ts";
import type { IdleResult } from "./processes/idle.ts";

const MIB = 2 ** 20;
const run = promisify(execFile);

export async function idle(functions: number): Promise<readonly Figure[]> {
  const result = await measured<IdleResult>("idle", functions);
  const many = `${functions.toLocaleString("en")} functions`;
  return [
    {
      name: `memory of an idle function, ${many}`,
      value: result.bytesEach / 1024,
      unit: "KiB resident",
      limit: result.moduleBytes / 1024,
      limitName: "its module, KiB",
      note: `of a C module; process ${(result.residentBytes / MIB).toFixed(0)} MiB; JavaScript heap ${(result.heapBytesEach / 1024).toFixed(1)} KiB each`,
    },
    {
      name: `deploy, ${many}`,
      value: result.deployMsEach,
      unit: "ms each",
      limit: result.compileMsEach,
      limitName: "WebAssembly.compile, ms",
      note: `${((result.deployMsEach * functions) / 1000).toFixed(1)} s in all, one after another`,
    },
    {
      name: `first call of a random one, ${many}`,
      value: result.firstMs,
      unit: "ms",
      limit: result.firstAloneMs,
      limitName: "with 100 functions, ms",
      note: `median of 100; p99 ${result.firstP99Ms.toFixed(2)} ms; warm ${result.warmMs.toFixed(3)} ms`,
    },
  ];
}

export async function growth(from: number, to: number): Promise<readonly Figure[]> {
  const { before, after, perSecond } = await measured<GrowthResult>("growth", from, to);
  const many = `${to.toLocaleString("en")} invocations`;
  const limitName = (runs: number) => `after ${runs.toLocaleString("en")}, MiB`;
  const mib = (bytes: number) => (bytes / MIB).toFixed(0);
  return [
    {
      name: `live memory after ${many}`,
      value: after.live / MIB,
      unit: "MiB of V8's heaps after a full collection",
      limit: before.live / MIB,
      limitName: limitName(from / 2),
      aim: { atMost: 1.1 },
      note: `C, Rust and AssemblyScript in turn, ${Math.round(perSecond).toLocaleString("en")}/s in one worker`,
    },
    {
      name: `resident memory after ${many}`,
      value: (after.resident - after.young) / MIB,
      unit: "MiB, without the main thread's space for young objects",
      limit: (before.resident - before.young) / MIB,
      limitName: limitName(from),
      aim: { atMost: 1.1 },
      note: `with it ${mib(after.resident)} beside ${mib(before.resident)} MiB: V8 gave it ${mib(after.young)} beside ${mib(before.young)}`,
    },
  ];
}

async function measured<T>(name: "idle" | "growth", ...numbers: readonly number[]): Promise<T> {
  const script = join(import.meta.dirname, `processes/${name}.ts`);
  const { stdout } = await run(process.execPath, ["--expose-gc", script, ...numbers.map(String)]);
  return JSON.parse(stdout) as T;
}
