// Runs mutants of modules as a deploy and an event would, beside a neighbour that must not notice.
import assert from "node:assert/strict";
import { NexusError } from "../core/errors.ts";
import { threadRuntime } from "../runtime/host/thread-runtime.ts";
import type { LoadableModule, Runtime } from "../runtime/runtime.ts";
import { TEST_LIMITS } from "./limits.ts";
import { echoModule } from "./modules.ts";

export interface Mutants {
  readonly name: string;
  /** It loads, or its mutants would show little. */
  readonly original: Uint8Array;
  readonly count: number;
  /** The same one every time. */
  mutant(index: number): Uint8Array;
}

export interface Tally {
  refused: number;
  ran: number;
}

const LIMITS = {
  ...TEST_LIMITS,
  timeoutMs: 30,
  memoryBytes: 4 * 1024 * 1024,
  outputBytes: 1_024,
  logBytes: 1_024,
  logLines: 10,
  emits: 2,
};
const BATCH = 50;
const STDIN = new TextEncoder().encode("{}");

/**
 * Every mutant is refused with MODULE_INVALID and words, or runs and ends one way or another; after
 * every few of them a neighbour answers as ever. `note` is in the message of whatever fails.
 */
export async function tryMutants(all: readonly Mutants[], note: string): Promise<Tally> {
  const runtime = threadRuntime({ workers: 2, maxWorkers: 4 });
  const tally: Tally = { refused: 0, ran: 0 };
  try {
    const limits = { ...LIMITS, timeoutMs: 60_000 };
    await runtime.load({ version: "echo", bytes: await echoModule(), limits });
    for (const mutants of all) {
      await runtime.load({ version: "original", bytes: mutants.original, limits: LIMITS });
      runtime.unload("original");
      for (let from = 0; from < mutants.count; from += BATCH) {
        const length = Math.min(BATCH, mutants.count - from);
        const batch = Array.from({ length }, (_, index) => from + index);
        const tried = batch.map((index) => tryOne(runtime, { mutants, index, tally, note }));
        const neighbour = await run(runtime, "echo");
        assert.deepEqual(neighbour.output, STDIN, `the neighbour of ${mutants.name}, ${note}`);
        await Promise.all(tried);
      }
    }
    const { loaded, busy, queued } = runtime.status();
    assert.deepEqual({ loaded, busy, queued }, { loaded: 1, busy: 0, queued: 0 });
  } finally {
    await runtime.close();
  }
  return tally;
}

async function tryOne(
  runtime: Runtime,
  one: {
    readonly mutants: Mutants;
    readonly index: number;
    readonly tally: Tally;
    readonly note: string;
  },
): Promise<void> {
  const { mutants, index, tally, note } = one;
  const version = `${mutants.name} ${index}`;
  try {
    // Half of them with their calls counted.
    const limits = index % 2 === 0 ? LIMITS : { ...LIMITS, stackCalls: 100 };
    if (!(await loads(runtime, { version, bytes: mutants.mutant(index), limits }))) {
      tally.refused += 1;
      return;
    }
    const outcome = await run(runtime, version);
    assert.equal(outcome.error === null, outcome.status === "succeeded");
    runtime.unload(version);
    tally.ran += 1;
  } catch (cause) {
    throw new Error(`mutant ${index} of ${mutants.name}, ${note}`, { cause });
  }
}

async function loads(runtime: Runtime, module: LoadableModule): Promise<boolean> {
  try {
    await runtime.load(module);
    return true;
  } catch (error) {
    assert.ok(error instanceof NexusError, String(error));
    assert.equal(error.code, "MODULE_INVALID");
    assert.match(error.message, /^Cannot load module: \S.{3}/);
    return false;
  }
}

function run(runtime: Runtime, version: string) {
  return runtime.invoke({ version, function: version, stdin: STDIN, env: {} });
}
