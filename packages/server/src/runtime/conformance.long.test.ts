// The committed programs of fixtures/conformance/ are what their sources give, wherever they are built.
import assert from "node:assert/strict";
import { cp, mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CONFORMANCE_MODULES } from "../../../../scripts/conformance.ts";
import { compile, toolchainFor } from "../../../../scripts/toolchains.ts";
import { PROGRAMS } from "../testing/conformance.ts";
import { temporaryFolder } from "../testing/folder.ts";

const TIMEOUT = { timeout: 300_000 };
const ROOT = join(import.meta.dirname, "../../../..");
const FOLDER = join(ROOT, "packages/server/fixtures/conformance");

test("PROGRAMS names programs that are built", () => {
  const built = new Set(CONFORMANCE_MODULES.map(({ name }) => name));
  assert.deepEqual(
    PROGRAMS.filter(({ name }) => !built.has(name)),
    [],
  );
});

for (const { name, language, source } of CONFORMANCE_MODULES) {
  test(`compile() gives conformance/build/${name}.wasm byte for byte`, TIMEOUT, async (context) => {
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
    await using folder = await temporaryFolder();
    const elsewhere = join(folder.path, "another/depth");
    await cp(FOLDER, elsewhere, { recursive: true });
    // Where AssemblyScript looks for what is imported from a package.
    await symlink(join(ROOT, "node_modules"), join(elsewhere, "node_modules"));
    await mkdir(join(folder.path, "out"));
    const target = join(folder.path, "out", `${name}.wasm`);
    const scratch = join(folder.path, "scratch");
    await compile({ language, source: join(elsewhere, source), target, scratch });
    const committed = await readFile(join(FOLDER, "build", `${name}.wasm`));
    const built = await readFile(target);
    assert.ok(built.equals(committed), "run npx node scripts/build-conformance.ts, and commit");
  });
}
