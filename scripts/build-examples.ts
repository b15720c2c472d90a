// Builds every module of examples/ from its source: `npx node scripts/build-examples.ts [--check] [name …]`.
// --check writes nothing: it fails where a module or a shared file is not what its source gives.
import { copyFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { EXAMPLE_MODULES, SHARED_FILES, type ExampleModule } from "./examples.ts";
import { compile, toolchainFor } from "./toolchains.ts";

const ROOT = join(import.meta.dirname, "..");
const EXAMPLES = join(ROOT, "examples");
const TEMPLATES = join(ROOT, "packages/cli/templates");

const { values, positionals } = parseArgs({
  options: { check: { type: "boolean", default: false } },
  allowPositionals: true,
});
const wanted = EXAMPLE_MODULES.filter(
  ({ folder, name }) =>
    positionals.length === 0 || positionals.includes(folder) || positionals.includes(name),
);
if (wanted.length === 0) {
  console.error(`There is no example ${positionals.join(", ")}`);
  process.exit(2);
}

const stale = [...(await shareFiles(values.check)), ...(await buildModules(values.check))];
for (const path of stale) console.error(`stale: ${path} (run: npx node scripts/build-examples.ts)`);
process.exitCode = stale.length === 0 ? 0 : 1;

/** Brings the copies of shared files up to date, or gives the paths of those that are not. */
async function shareFiles(check: boolean): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const { template, copies } of SHARED_FILES) {
    for (const copy of copies) {
      const from = join(TEMPLATES, template);
      const to = join(EXAMPLES, copy);
      if (await same(from, to)) continue;
      if (check) stale.push(`examples/${copy}`);
      else await copyFile(from, to);
    }
  }
  return stale;
}

async function buildModules(check: boolean): Promise<readonly string[]> {
  const stale: string[] = [];
  const scratch = await mkdtemp(join(tmpdir(), "nexus-examples-"));
  try {
    for (const module of wanted) {
      const path = `examples/${module.folder}/build/${module.name}.wasm`;
      if (!(await buildModule(module, check, scratch))) stale.push(path);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return stale;
}

/** False where --check found that the committed module is another than its source gives. */
async function buildModule(
  { folder, name, language, source }: ExampleModule,
  check: boolean,
  scratch: string,
): Promise<boolean> {
  const toolchain = await toolchainFor(language);
  if (toolchain.state === "missing") {
    console.log(`skipped   ${name}: no toolchain for ${language} (${toolchain.install})`);
    return true;
  }
  if (check && !toolchain.pinned) {
    console.log(`skipped   ${name}: built by another version than ${toolchain.version}`);
    return true;
  }
  const built = join(scratch, `${name}.wasm`);
  const committed = join(EXAMPLES, folder, "build", `${name}.wasm`);
  const from = join(EXAMPLES, folder, source);
  await compile({ language, source: from, target: built, scratch: join(scratch, language) });
  const unchanged = await same(built, committed);
  const bytes = (await readFile(built)).length;
  const state = unchanged ? "unchanged" : check ? "differs" : "built";
  console.log(`${state.padEnd(9)} ${name}: ${bytes} bytes`);
  if (unchanged || check) return unchanged;
  await mkdir(dirname(committed), { recursive: true });
  await copyFile(built, committed);
  return true;
}

async function same(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map(readIfThere));
  return a !== undefined && b !== undefined && a.equals(b);
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
