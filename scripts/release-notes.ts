// Prints what is new in a release: the section of CHANGELOG.md that has its version.
//   node scripts/release-notes.ts v1.2.3
import { readFileSync } from "node:fs";
import { releaseNotes } from "./release/changelog.ts";

const [tag] = process.argv.slice(2);
if (tag === undefined) throw new Error("Cannot print release notes: name the tag, like v1.2.3");
const changelog = readFileSync(new URL("../CHANGELOG.md", import.meta.url), "utf8");
console.log(releaseNotes(changelog, tag));
