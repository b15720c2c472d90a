// npm run bench: every figure beside its limit, measured in the same run. `--quick` for a short look,
// `--only accept,log` for some of it. Writes bench/results/latest.json.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measured, reached, table, type Figure } from "./figures.ts";
import { accept, call, pipeline } from "./http.ts";
import { GENERATOR } from "./load.ts";
import { log } from "./log.ts";
import { neighbour } from "./neighbour.ts";
import { ROOT } from "./processes.ts";
import { start } from "./start.ts";

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" } },
});
const http = values.quick ? { rounds: 1, seconds: 2 } : { rounds: 5, seconds: 5 };
const logOptions = values.quick ? { rounds: 1, large: 100_000 } : { rounds: 5, large: 1_000_000 };

const parts: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  accept: () => accept(http),
  call: () => call(http),
  pipeline: () => pipeline(http),
  neighbour: () => neighbour(http),
  log: () => log(logOptions),
  start: () => start(values.quick ? 3 : 7),
};

const chosen = values.only?.split(",") ?? Object.keys(parts);
const figures: Figure[] = [];
for (const name of chosen) {
  const part = parts[name];
  if (part === undefined) {
    console.error(`bench: there is no "${name}": choose among ${Object.keys(parts).join(", ")}`);
    process.exit(2);
  }
  console.error(`measuring ${name} …`);
  figures.push(...(await part()));
}

const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memory_bytes: totalmem(),
  node: process.version,
  load_generator: GENERATOR,
  commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: ROOT }).toString().trim(),
};
const results = figures.map((figure) => ({
  ...figure,
  measured: measured(figure),
  reached: reached(figure),
}));
const folder = join(ROOT, "bench/results");
mkdirSync(folder, { recursive: true });
writeFileSync(
  join(folder, "latest.json"),
  `${JSON.stringify({ date: new Date().toISOString(), machine, figures: results }, null, 2)}\n`,
);
console.log(table(figures));
