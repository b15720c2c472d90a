import assert from "node:assert/strict";
import { test } from "node:test";
import { echoModule, fixture } from "../testing/modules.ts";
import { mutant } from "../testing/mutate.ts";
import { tryMutants } from "../testing/mutants.ts";
import { randomNumbers } from "../testing/random.ts";

// mutants.long.test.ts tries a hundred thousand.
const COUNT = 250;
const SEED = 2026;

test("load() refuses a damaged module, or invoke() contains it; a neighbour never notices", async () => {
  const modules = [
    ["echo", await echoModule()],
    ["noop", await fixture("noop")],
    ["order", await fixture("traps/order")],
  ] as const;
  const all = modules.map(([name, module]) => ({
    name,
    original: module,
    count: COUNT,
    mutant: (index: number) => mutant(module, randomNumbers(SEED + index)),
  }));
  const tally = await tryMutants(all, `with seed ${SEED}`);
  assert.equal(tally.refused + tally.ran, modules.length * COUNT);
  assert.ok(tally.refused > 0 && tally.ran > 0);
});
