// What both benches do with their figures: choose the parts, print the table, keep the JSON.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { measured, reached, table, type Figure } from "./figures.ts";
import { GENERATOR } from "./load.ts";
import { ROOT } from "./processes.ts";

export type Parts = Readonly<Record<string, () => Promise<readonly Figure[]>>>;

/** `only`: names of parts, with commas between; all of them where it is not given. */
export async function measure(parts: Parts, only?: string): Promise<readonly Figure[]> {
  const chosen = only?.split(",") ?? Object.keys(parts);
  for (const name of chosen) {
    if (parts[name] !== undefined) continue;
    console.error(`bench: there is no "${name}": choose among ${Object.keys(parts).join(", ")}`);
    process.exit(2);
  }
  const figures: Figure[] = [];
  for (const name of chosen) {
    console.error(`measuring ${name} …`);
    figures.push(...(await parts[name]!()));
  }
  return figures;
}

/** Prints the table and writes bench/results/<name>.json. */
export function report(name: string, figures: readonly Figure[]): void {
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
    join(folder, `${name}.json`),
    `${JSON.stringify({ date: new Date().toISOString(), machine, figures: results }, null, 2)}\n`,
  );
  console.log(table(figures));
}
