// An installed package has dist/ only. A checkout has src/ too, and runs it by type stripping wherever
// the build is missing or older, so that nobody ever tries yesterday's code.
import { existsSync, globSync, statSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

const BUILT = new URL("../dist/main.js", import.meta.url);
const SOURCE = new URL("../src/main.ts", import.meta.url);

export async function main() {
  const fromSource = existsSync(SOURCE) && !isFresh();
  if (fromSource) {
    // What `node --conditions=nexus-source` does: the other packages run from source as well.
    registerHooks({
      resolve: (specifier, context, next) =>
        next(specifier, { ...context, conditions: [...context.conditions, "nexus-source"] }),
    });
  }
  const { main } = await import(fromSource ? SOURCE.href : BUILT.href);
  await main();
}

function isFresh() {
  if (!existsSync(BUILT)) return false;
  const cwd = fileURLToPath(new URL("../../", import.meta.url));
  const changedAt = (file) => statSync(new URL(file, new URL("../../", import.meta.url))).mtimeMs;
  const built = globSync("{client,server,cli}/dist/**/*.js", { cwd }).map(changedAt);
  const sources = globSync("{client,server,cli}/src/**/*.ts", { cwd })
    .filter((file) => !file.endsWith(".test.ts"))
    .map(changedAt);
  return Math.max(...built) >= Math.max(...sources);
}
