// The committed modules are what their sources give.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SDK, SDK_EXAMPLES } from "../scripts/sdk.ts";
import { compile, toolchainFor } from "../scripts/toolchains.ts";

const TIMEOUT = { timeout: 180_000 };

for (const { language, source, module } of SDK_EXAMPLES) {
  test(`compile() gives sdk/${module} byte for byte`, TIMEOUT, async (context) => {
    const toolchain = await toolchainFor(language);
    if (toolchain.state === "missing") {
      assert.equal(process.env["CI"], undefined, `CI has every toolchain: ${toolchain.install}`);
      context.skip(`no toolchain for ${language}: ${toolchain.install}`);
      return;
    }
    if (!toolchain.pinned) {
      context.skip(`the committed module was built by another version than ${toolchain.version}`);
      return;
    }
    const scratch = await mkdtemp(join(tmpdir(), "nexus-sdk-"));
    try {
      const target = join(scratch, "tally.wasm");
      await compile({ language, source: join(SDK, source), target, scratch });
      assert.ok((await readFile(target)).equals(await readFile(join(SDK, module))));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}
