// The committed modules are what their sources give, wherever they are built.
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { EXAMPLE_MODULES } from "../scripts/examples.ts";
import { compile, toolchainFor } from "../scripts/toolchains.ts";

const TIMEOUT = { timeout: 180_000 };

let elsewhere: string;

before(async () => {
  elsewhere = await mkdtemp(join(tmpdir(), "nexus-build-"));
  await cp(import.meta.dirname, join(elsewhere, "another/depth"), { recursive: true });
  await mkdir(join(elsewhere, "out"));
});

after(() => rm(elsewhere, { recursive: true, force: true }));

for (const { folder, name, language, source } of EXAMPLE_MODULES) {
  test(`compile() gives ${folder}/build/${name}.wasm byte for byte`, TIMEOUT, async (context) => {
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
    const target = join(elsewhere, "out", `${name}.wasm`);
    await compile({
      language,
      source: join(elsewhere, "another/depth", folder, source),
      target,
      scratch: join(elsewhere, "scratch"),
    });
    const [built, committed] = await Promise.all(
      [target, join(import.meta.dirname, folder, "build", `${name}.wasm`)].map((path) =>
        readFile(path),
      ),
    );
    assert.ok(built!.equals(committed!), "run npx node scripts/build-examples.ts, and commit");
  });
}
