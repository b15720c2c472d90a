// An installed package has dist/ only. A checkout has src/ too, and runs it by type stripping wherever
// the build is missing or older, so that nobody ever tries yesterday's code.
import { existsSync, readdirSync, statSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

const BUILT = new URL("../dist/main.js", import.meta.url);
const SOURCE = new URL("../src/main.ts", import.meta.url);

export async function main() {
  keepStreamsUntouched();
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

// Whoever imports node:process, as commander does, has every property of it read that can be listed. A
// first look at stdin takes time, and makes a pipe non-blocking for all who share it.
function keepStreamsUntouched() {
  for (const name of ["stdin", "stdout", "stderr"]) {
    Object.defineProperty(process, name, { enumerable: false });
  }
}

function isFresh() {
  if (!existsSync(BUILT)) return false;
  const built = newestIn("dist", (file) => file.endsWith(".js"));
  return built >= newestIn("src", (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));
}

// Without a glob: this is on the way of every command.
function newestIn(folder, isMeant) {
  return Math.max(
    ...["client", "server", "cli"].flatMap((name) => {
      const path = fileURLToPath(new URL(`../../${name}/${folder}/`, import.meta.url));
      if (!existsSync(path)) return [];
      const files = readdirSync(path, { recursive: true }).filter(isMeant);
      return files.map((file) => statSync(path + file).mtimeMs);
    }),
  );
}
