// What is made of a checkout for others to run. Plain Node runs it: images are built where no dependency is installed.
//   node scripts/ship.ts packages FOLDER             the built packages, without what only compilers read
//   node scripts/ship.ts prune NODE_MODULES          the same for installed dependencies
//   node scripts/ship.ts archives FOLDER [PLATFORM]  self-contained archives, and SHA256SUMS beside them
import { join } from "node:path";
import { makeArchive, PLATFORMS, writeChecksums } from "./ship/archive.ts";
import { collectPackages } from "./ship/packages.ts";
import { prune } from "./ship/prune.ts";

const ROOT = join(import.meta.dirname, "..");
const [what, folder, ...platforms] = process.argv.slice(2);

if (what === undefined || folder === undefined) {
  throw new Error("Cannot ship: say what, and into which folder");
}
switch (what) {
  case "packages":
    collectPackages(ROOT, folder);
    break;
  case "prune":
    console.log(`${(prune(folder) / 1e6).toFixed(1)} MB less in ${folder}`);
    break;
  case "archives": {
    const archives: string[] = [];
    for (const platform of platforms.length === 0 ? PLATFORMS : platforms) {
      archives.push(await makeArchive(ROOT, platform, folder));
      console.log(archives.at(-1));
    }
    await writeChecksums(archives, folder);
    break;
  }
  default:
    throw new Error(`Cannot ship "${what}": it is packages, prune or archives`);
}
