// npm run bench: every figure beside its limit, measured in the same run. `--quick` for a short look,
// `--only accept,log` for some of it. Writes bench/results/latest.json.
import { parseArgs } from "node:util";
import { accept, call, pipeline } from "./http.ts";
import { log } from "./log.ts";
import { neighbour } from "./neighbour.ts";
import { measure, report } from "./report.ts";
import { start } from "./start.ts";

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" } },
});
const http = values.quick ? { rounds: 1, seconds: 2 } : { rounds: 5, seconds: 5 };
const logOptions = values.quick ? { rounds: 1, large: 100_000 } : { rounds: 5, large: 1_000_000 };

const figures = await measure(
  {
    accept: () => accept(http),
    call: () => call(http),
    pipeline: () => pipeline(http),
    neighbour: () => neighbour(["endless loops"], http),
    log: () => log(logOptions),
    start: () => start(values.quick ? 3 : 7),
  },
  values.only,
);
report("latest", figures);
