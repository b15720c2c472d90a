// Rebuilds the committed modules of this folder from the source beside them: `npx node bench/runtime/build-modules.ts`.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../../scripts/toolchains.ts";
import { compileRust } from "./rust.ts";

const MODULES = join(import.meta.dirname, "modules");

const scratch = await mkdtemp(join(tmpdir(), "nexus-bench-"));
try {
  await compileRust(join(MODULES, "noop.rs"), join(MODULES, "noop-rust.wasm"));
  for (const [language, source, target] of [
    ["assemblyscript", "assembly/noop.ts", "noop-assemblyscript.wasm"],
    ["c-bare", "noop-extism.c", "noop-extism.wasm"],
  ] as const) {
    const paths = { source: join(MODULES, source), target: join(MODULES, target) };
    await compile({ language, ...paths, scratch });
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
