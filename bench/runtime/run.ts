// npm run bench:runtime: what the runtime costs by itself, and beside its peers. `--quick` for a short
// look, `--only overhead,cold` for some of it. Writes bench/results/runtime.json.
import { parseArgs } from "node:util";
import { measure, report } from "../report.ts";
import { overhead } from "./overhead.ts";

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" } },
});
const { quick } = values;

const figures = await measure(
  {
    overhead: () => overhead(quick ? { rounds: 1, calls: 3000 } : { rounds: 5, calls: 10_000 }),
  },
  values.only,
);
report("runtime", figures);
