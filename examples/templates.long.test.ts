// Every template, made into a project by `nexus new`, built as its README says, and run.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { access, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import type { FunctionLimits } from "@nexus-functions/server/core/function";
import { threadRuntime } from "@nexus-functions/server/runtime/host/thread-runtime";
import type { Outcome } from "@nexus-functions/server/runtime/runtime";
import { DEBIAN_CARGO, toolchainFor, type Language } from "../scripts/toolchains.ts";

interface Project extends AsyncDisposable {
  readonly dir: string;
  readonly name: string;
}

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "..");
const NEXUS = join(ROOT, "packages/cli/bin/nexus.js");
const TIMEOUT = { timeout: 120_000 };

/** What the templates' nexus.yaml asks for. */
const LIMITS: FunctionLimits = {
  timeoutMs: 5000,
  memoryBytes: 32 * 1024 * 1024,
  outputBytes: 1024 * 1024,
  logBytes: 1024 * 1024,
  logLines: 1000,
  emits: 0,
  hostCalls: 1_000_000,
  cpuMs: 0,
  tableElements: 1_000_000,
  moduleBytes: 64 * 1024 * 1024,
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

async function nexus(...args: readonly string[]): Promise<void> {
  await run(process.execPath, [NEXUS, ...args]);
}

async function makeProject(template: string, name: string): Promise<Project> {
  const parent = await mkdtemp(join(tmpdir(), "nexus-template-"));
  const dir = join(parent, name);
  await nexus("new", dir, "--template", template);
  return {
    dir,
    name,
    [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }),
  };
}

/** Whether the test is to go on. On a developer's machine a missing toolchain skips; in CI it fails. */
async function hasToolchain(context: TestContext, language: Language): Promise<boolean> {
  const toolchain = await toolchainFor(language);
  if (toolchain.state === "ready") return true;
  assert.equal(process.env["CI"], undefined, `CI has every toolchain: ${toolchain.install}`);
  context.skip(`no toolchain for ${language}: ${toolchain.install}`);
  return false;
}

/** Checks the project's nexus.yaml and its fixture, and runs the built module as the server would. */
async function greets({ dir, name }: Project): Promise<void> {
  await nexus("validate", join(dir, "nexus.yaml"));
  await nexus("test", join(dir, "tests/fixtures"), "--config", join(dir, "nexus.yaml"));
  const runtime = threadRuntime({ workers: 1 });
  try {
    const bytes = await readFile(join(dir, "build", `${name}.wasm`));
    await runtime.load({ version: "1", bytes, limits: LIMITS });
    const send = (event: string): Promise<Outcome> =>
      runtime.invoke({ version: "1", function: name, stdin: encoder.encode(event), env: {} });

    const event = await readFile(join(dir, "events/hello.json"), "utf8");
    const greeted = await send(event);
    assert.deepEqual(textsOf(greeted), ['{"greeting":"Hello, Ada!"}', "greeting Ada"]);

    // Whatever the name is, however it is written, and whatever stands around it.
    const names = fc.string({ unit: "binary", minLength: 1 });
    const written = fc.tuple(names, fc.jsonValue(), fc.jsonValue(), fc.boolean(), fc.boolean());
    await fc.assert(
      fc.asyncProperty(written, async ([name, before, after, escaped, indented]) => {
        const data = { before, name, after };
        const json = JSON.stringify({ ...JSON.parse(event), data }, null, indented ? 2 : 0);
        const { output } = await send(escaped ? escapeAll(json) : json);
        assert.deepEqual(JSON.parse(decoder.decode(output)), { greeting: `Hello, ${name}!` });
      }),
      { numRuns: 200 },
    );

    const nameless = await send(JSON.stringify({ ...JSON.parse(event), data: {} }));
    assert.equal(nameless.exitCode, 1);
    assert.deepEqual(textsOf(nameless), ["", 'the event has no "data.name"']);
  } finally {
    await runtime.close();
  }
}

function textsOf({ output, logs }: Outcome): readonly string[] {
  return [decoder.decode(output), ...logs.map(({ text }) => text)];
}

/** The same JSON in ASCII. */
function escapeAll(json: string): string {
  return json.replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

for (const template of ["assemblyscript", "rust", "c"]) {
  test(`nexus new leaves no placeholder in a project from "${template}"`, TIMEOUT, async () => {
    await using project = await makeProject(template, "9-lives");
    const files = await readdir(project.dir, { recursive: true, withFileTypes: true });
    const names = files.map(({ name }) => name);
    assert.ok(names.includes(".gitignore"));
    assert.ok(!names.includes("_gitignore"));
    const yaml = await readFile(join(project.dir, "nexus.yaml"), "utf8");
    const schema = /^# yaml-language-server: \$schema=(\S+)/.exec(yaml)?.[1];
    await access(join(project.dir, schema ?? "no schema is named"));
    for (const file of files.filter((entry) => entry.isFile())) {
      const text = await readFile(join(file.parentPath, file.name), "utf8");
      assert.doesNotMatch(text, /\{\{name\}\}/, file.name);
    }
  });
}

test("the AssemblyScript template builds with npm alone and greets", TIMEOUT, async () => {
  await using project = await makeProject("assemblyscript", "9-lives");
  // The workspace has the packages that `npm install` would bring, in the versions that the template pins.
  await symlink(join(ROOT, "node_modules"), join(project.dir, "node_modules"));
  await run("npm", ["run", "build"], { cwd: project.dir });
  await greets(project);
});

test("the AssemblyScript template pins the versions that the examples are built with", async () => {
  const template = join(ROOT, "packages/cli/templates/assemblyscript/package.json");
  const { devDependencies: pinned } = JSON.parse(await readFile(template, "utf8")) as {
    devDependencies: Record<string, string>;
  };
  for (const [name, version] of Object.entries(pinned)) {
    const installed = await readFile(join(ROOT, "node_modules", name, "package.json"), "utf8");
    assert.equal((JSON.parse(installed) as { version: string }).version, version, name);
  }
});

test("the Rust template builds with cargo and greets", TIMEOUT, async (context) => {
  if (!(await hasToolchain(context, "rust"))) return;
  await using project = await makeProject("rust", "9-lives");
  const env = { ...process.env, ...DEBIAN_CARGO.env, CARGO_HOME: join(project.dir, "cargo") };
  await run("npm", ["run", "build", "--", ...DEBIAN_CARGO.args], { cwd: project.dir, env });
  await greets(project);
});

test("the C template builds with make and greets", TIMEOUT, async (context) => {
  if (!(await hasToolchain(context, "c"))) return;
  await using project = await makeProject("c", "404");
  await run("npm", ["run", "build"], { cwd: project.dir });
  await greets(project);
});
