import assert from "node:assert/strict";
import { test } from "node:test";
import { NexusError } from "../core/errors.ts";
import { TEST_LIMITS } from "../testing/limits.ts";
import { echoModule, fixture } from "../testing/modules.ts";
import { threadRuntime } from "./host/thread-runtime.ts";

const MUTANTS = 3_000;
const LIMITS = {
  ...TEST_LIMITS,
  timeoutMs: 30,
  memoryBytes: 4 * 1024 * 1024,
  outputBytes: 1_024,
  logBytes: 1_024,
  logLines: 10,
  emits: 2,
};

/** Numbers that look random and are the same every time: a mutant that fails can be made again. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function mutate(module: Uint8Array, random: (below: number) => number): Uint8Array {
  const mutant = module.slice();
  for (let left = 1 + random(3); left > 0; left -= 1) {
    // Three in four fall into the part before code and data, where a module's structure is.
    const at = 8 + random((random(4) === 0 ? mutant.length : Math.min(400, mutant.length)) - 8);
    mutant[at] = random(2) === 0 ? random(256) : mutant[at]! ^ (1 << random(8));
  }
  return mutant;
}

test("load() refuses a damaged module, or invoke() contains it; a neighbour never notices", async () => {
  const runtime = threadRuntime({ workers: 2, maxWorkers: 4 });
  try {
    const echo = await echoModule();
    await runtime.load({ version: "echo", bytes: echo, limits: { ...LIMITS, timeoutMs: 5_000 } });
    const random = randomNumbers(20_26);
    const originals = [echo, await fixture("noop")];
    const tally = { refused: 0, ran: 0 };
    const stdin = new TextEncoder().encode("{}");
    const tryMutant = async (version: string, bytes: Uint8Array) => {
      try {
        await runtime.load({ version, bytes, limits: LIMITS });
      } catch (error) {
        assert.ok(error instanceof NexusError, String(error));
        assert.equal(error.code, "MODULE_INVALID");
        tally.refused += 1;
        return;
      }
      const outcome = await runtime.invoke({ version, function: "mutant", stdin, env: {} });
      assert.equal(outcome.error === null, outcome.status === "succeeded");
      runtime.unload(version);
      tally.ran += 1;
    };
    for (let count = 0; count < MUTANTS; count += 50) {
      const batch = Array.from({ length: 50 }, (_, index) =>
        tryMutant(`m${count + index}`, mutate(originals[index % 2]!, random)),
      );
      const neighbour = runtime.invoke({ version: "echo", function: "echo", stdin, env: {} });
      assert.deepEqual((await neighbour).output, stdin);
      await Promise.all(batch);
    }
    assert.equal(tally.refused + tally.ran, MUTANTS);
    assert.ok(tally.refused > 0 && tally.ran > 0);
    assert.equal(runtime.status().loaded, 1);
  } finally {
    await runtime.close();
  }
});
