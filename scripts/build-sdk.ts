// Builds the example of every guest library: `npx node scripts/build-sdk.ts [language …]`.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SDK, SDK_EXAMPLES } from "./sdk.ts";
import { compile, toolchainFor } from "./toolchains.ts";

const names = process.argv.slice(2);
const scratch = await mkdtemp(join(tmpdir(), "nexus-sdk-"));
try {
  for (const { language, source, module } of SDK_EXAMPLES) {
    if (names.length > 0 && !names.includes(language)) continue;
    const toolchain = await toolchainFor(language);
    if (toolchain.state === "missing") {
      console.log(`skipped  ${module}: no toolchain for ${language} (${toolchain.install})`);
      continue;
    }
    const target = join(SDK, module);
    await mkdir(dirname(target), { recursive: true });
    await compile({
      language,
      source: join(SDK, source),
      target,
      scratch: join(scratch, language),
    });
    console.log(`built    ${module}`);
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
