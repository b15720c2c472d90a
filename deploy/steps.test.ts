import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { inRepository } from "./testing/manifest.ts";
import { commandsOfCi, FATES } from "./testing/steps.ts";
import { readWorkflows } from "./testing/workflow.ts";

const run = promisify(execFile);
/** What the steps that run in a copy read: manifests, and scripts with what these import. */
const COPIED = [
  "package.json",
  "package-lock.json",
  ".npmrc",
  "packages/client/package.json",
  "packages/server/package.json",
  "packages/cli/package.json",
  "scripts",
];

const steps = (await readWorkflows()).flatMap(({ file, jobs }) =>
  Object.entries(jobs).flatMap(([job, { steps }]) =>
    steps.flatMap(({ name, run: command }) =>
      command === undefined ? [] : [{ step: `${file} ${job}: ${name}`, command }],
    ),
  ),
);
let copy: string;

before(async () => {
  copy = await mkdtemp(join(tmpdir(), "nexus-steps-"));
  for (const path of COPIED) {
    await mkdir(dirname(join(copy, path)), { recursive: true });
    await cp(inRepository(path), join(copy, path), { recursive: true });
  }
  const git = (...args: readonly string[]) => run("git", args, { cwd: copy });
  await git("init", "--quiet");
  await git("add", ".");
  const author = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
  await git(...author, "commit", "--quiet", "--message", "All of it");
  await writeFile(join(copy, "output"), "");
});

after(() => rm(copy, { recursive: true }));

test("workflows: each step with a command runs here, or is said not to and why", () => {
  assert.deepEqual(steps.map(({ step }) => step).sort(), Object.keys(FATES).sort());
});

test("workflows: what is said to run in CI is what .ci/run runs, word for word", async () => {
  const commands = await commandsOfCi();
  for (const { step, command } of steps) {
    if (FATES[step]?.how === "in CI") assert.ok(commands.has(command), `${step}: ${command}`);
  }
});

test("workflows: what is said to be run by a test is named there", async () => {
  for (const { step, command } of steps) {
    const fate = FATES[step];
    if (fate?.how !== "by a test") continue;
    const script = /(?:scripts|\.ci)\/([\w.-]+)/.exec(command)![1]!;
    const text = await readFile(inRepository(fate.test), "utf8");
    assert.ok(text.includes(script), `${step}: ${fate.test} does not name ${script}`);
  }
});

// One command in several jobs is run once.
const inCopy = new Set(
  steps.filter(({ step }) => FATES[step]?.how === "in a copy").map(({ command }) => command),
);

for (const command of inCopy) {
  test(`workflows: the step's own command runs in a copy: ${command}`, async () => {
    const env = {
      ...process.env,
      GITHUB_OUTPUT: join(copy, "output"),
      NODE: process.versions.node.split(".")[0]!,
    };
    // As GitHub runs a step whose shell is bash.
    const args = ["--noprofile", "--norc", "-eo", "pipefail", "-c", command];
    await run("bash", args, { cwd: copy, env, timeout: 120_000 });
  });
}

test("workflows: the steps of the update tell whether the lock changed, and give it on", async () => {
  const output = await readFile(join(copy, "output"), "utf8");
  assert.match(output, /^changed=(?:true|false)\n$/);
  if (output === "changed=true\n") {
    assert.match(await readFile(join(copy, "update/changes.md"), "utf8"), /^- `.*`: .* → /);
  }
});
