// Fails, with the reasons, where the checkout is not the version that a tag names.
//   node scripts/check-version.ts v1.2.3
import { join } from "node:path";
import { versionProblems } from "./release/version.ts";

const [tag] = process.argv.slice(2);
if (tag === undefined) throw new Error("Cannot check the version: name the tag, like v1.2.3");
const problems = versionProblems(join(import.meta.dirname, ".."), tag);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`All packages are ${tag}, and the changelog says what is new`);
