// npm run bench:runtime: what the runtime costs by itself, and beside its peers. `--quick` for a short
// look, `--only overhead,cold` for some of it. Writes bench/results/runtime.json.
import { parseArgs } from "node:util";
import { HOSTILE_NAMES } from "../hostile.ts";
import { neighbour } from "../neighbour.ts";
import { measure, report } from "../report.ts";
import { calls } from "./calls.ts";
import { cold } from "./cold.ts";
import { growth, idle } from "./memory.ts";
import { overhead } from "./overhead.ts";

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" } },
});
const { quick } = values;
const http = quick ? { rounds: 1, seconds: 2 } : { rounds: 5, seconds: 5 };

const figures = await measure(
  {
    overhead: () => overhead(quick ? { rounds: 1, calls: 3000 } : { rounds: 5, calls: 10_000 }),
    cold: () => cold({ times: quick ? 5 : 30, mayBuild: !quick }),
    calls: () => calls(http),
    idle: () => idle(quick ? 1000 : 10_000),
    neighbours: () => neighbour(HOSTILE_NAMES, quick ? { rounds: 1, seconds: 1 } : http),
    growth: () => (quick ? growth(50_000, 200_000) : growth(300_000, 1_000_000)),
  },
  values.only,
);
report("runtime", figures);
