// Builds packages/server/fixtures/conformance/build/ from the sources beside it:
// `npx node scripts/build-conformance.ts [name …]`.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONFORMANCE_MODULES } from "./conformance.ts";
import { compile, toolchainFor } from "./toolchains.ts";

const FOLDER = join(import.meta.dirname, "../packages/server/fixtures/conformance");

const names = process.argv.slice(2);
const wanted = CONFORMANCE_MODULES.filter(({ name }) => names.length === 0 || names.includes(name));
if (wanted.length === 0) {
  console.error(`There is no conformance program ${names.join(", ")}`);
  process.exit(2);
}

const scratch = await mkdtemp(join(tmpdir(), "nexus-conformance-"));
try {
  for (const { name, language, source } of wanted) {
    const toolchain = await toolchainFor(language);
    if (toolchain.state === "missing") {
      console.log(`skipped  ${name}: no toolchain for ${language} (${toolchain.install})`);
      continue;
    }
    const target = join(FOLDER, "build", `${name}.wasm`);
    await compile({
      language,
      source: join(FOLDER, source),
      target,
      scratch: join(scratch, language),
    });
    console.log(`built    ${name}: ${(await readFile(target)).length} bytes`);
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
