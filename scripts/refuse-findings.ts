// Fails where an analysis found something grave: reads all SARIF files of a folder.
//   node scripts/refuse-findings.ts FOLDER
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { graveFindings, type Sarif } from "./release/findings.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("Cannot look at findings: name their folder");
const files = readdirSync(folder).filter((name) => name.endsWith(".sarif"));
if (files.length === 0) throw new Error(`Cannot look at findings: "${folder}" has no .sarif file`);
let count = 0;
for (const name of files) {
  for (const line of graveFindings(JSON.parse(readFileSync(join(folder, name), "utf8")) as Sarif)) {
    console.error(line);
    count++;
  }
}
console.log(`${count} grave findings in ${files.join(", ")}`);
if (count > 0) process.exitCode = 1;
