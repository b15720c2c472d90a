// Publishes the built packages to npm, with provenance.
//   node scripts/publish.ts OWNER/REPOSITORY [--dry-run]
import { join } from "node:path";
import { publish } from "./release/publish.ts";

const [repository, option] = process.argv.slice(2);
if (repository === undefined || !/^[\w.-]+\/[\w.-]+$/.test(repository)) {
  throw new Error("Cannot publish: name the repository, like owner/name");
}
const isDry = option === "--dry-run";
const published = await publish(join(import.meta.dirname, ".."), { repository, isDry });
const how = isDry ? "Would publish" : "Published";
console.log(
  published.length === 0 ? "Everything is published already" : `${how} ${published.join(", ")}`,
);
