// Tells what a changed package-lock.json has that the committed one has not, for the workflow that proposes updates:
// prints "changed=true" or "changed=false", and where there is a change, puts the lock and changes.md into the folder.
//   node scripts/lock-changes.ts FOLDER
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lockChanges } from "./release/lock.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("Cannot list changes: name a folder for them");
const committed = execFileSync("git", ["show", "HEAD:package-lock.json"], {
  encoding: "utf8",
  maxBuffer: 64 * 1024 * 1024,
});
const lines = lockChanges(
  JSON.parse(committed) as Parameters<typeof lockChanges>[0],
  JSON.parse(readFileSync("package-lock.json", "utf8")) as Parameters<typeof lockChanges>[0],
);
if (lines.length > 0) {
  mkdirSync(folder, { recursive: true });
  copyFileSync("package-lock.json", join(folder, "package-lock.json"));
  writeFileSync(join(folder, "changes.md"), `${lines.join("\n")}\n`);
}
console.log(`changed=${lines.length > 0}`);
