// WASI preview 1 as functions have it: the scratch directory, a mount, and what is no file.
import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { SCRATCH, type GrantedFiles, type Mount } from "../core/mounts.ts";
import { SourceFiles } from "../functions/files.ts";
import { mountBudget, readMount } from "../functions/mounts.ts";
import { TEST_LIMITS } from "../testing/limits.ts";
import { GIVEN, PROGRAMS } from "../testing/conformance.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { fixture } from "../testing/modules.ts";
import { threadRuntime } from "./host/thread-runtime.ts";
import type { Outcome } from "./runtime.ts";

const LIMITS = {
  ...TEST_LIMITS,
  timeoutMs: 60_000,
  memoryBytes: 16 * 1024 * 1024,
  outputBytes: 65_536,
  logBytes: 65_536,
  logLines: 1000,
  emits: 0,
};
const ONLY_SCRATCH: GrantedFiles = { mounts: [], scratchBytes: 4 * 1024 * 1024 };

type Run = (...args: readonly string[]) => Promise<Outcome>;

async function withProgram(name: string, files: GrantedFiles, use: (run: Run) => Promise<void>) {
  const runtime = threadRuntime({ workers: 1, maxWorkers: 1 });
  try {
    const bytes = await fixture(`conformance/build/${name}`);
    await runtime.load({ version: "v", bytes, limits: LIMITS, files });
    const stdin = new TextEncoder().encode(GIVEN.stdin);
    const request = { version: "v", function: name, stdin, env: GIVEN.env };
    await use((...args) => runtime.invoke({ ...request, args }));
  } finally {
    await runtime.close();
  }
}

/** What it said was wrong, and what it said. */
function said({ logs, output, exitCode }: Outcome) {
  return {
    wrong: logs.map(({ text }) => text),
    lines: new TextDecoder().decode(output).trimEnd().split("\n"),
    exitCode,
  };
}

for (const { name, args, lines } of PROGRAMS) {
  test(`invoke() gives ${name} the answers that it wants, and again in the next run`, async () => {
    await withProgram(name, ONLY_SCRATCH, async (run) => {
      for (let turn = 0; turn < 2; turn += 1) {
        const outcome = await run(SCRATCH, ...args);
        assert.deepEqual(said(outcome), { wrong: [], lines, exitCode: 0 });
        assert.equal(outcome.error, null);
      }
    });
  });
}

test("invoke() tells a program that its scratch directory is full, and that it has room again", async () => {
  await withProgram("c-limits", ONLY_SCRATCH, async (run) => {
    assert.deepEqual(said(await run(SCRATCH)), {
      wrong: [],
      lines: ["room: ok", "names: ok", "descriptors: ok", "left tidy: ok"],
      exitCode: 0,
    });
  });
});

async function exampleMount(guest: string): Promise<Mount> {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, "deep/er"), { recursive: true });
  await writeFile(join(folder.path, "hello.txt"), "hello, world\n");
  await writeFile(join(folder.path, "empty"), "");
  await writeFile(join(folder.path, "deep/er/file.txt"), "deep\n");
  await symlink("hello.txt", join(folder.path, "link"));
  const read = await readMount(folder.path, new SourceFiles(), mountBudget());
  if (typeof read === "string") throw new Error(read);
  return { guest, files: read.files };
}

test("invoke() lets a mount be read in every way and changed in none", async () => {
  const files = { ...ONLY_SCRATCH, mounts: [await exampleMount("/data")] };
  await withProgram("c-readonly", files, async (run) => {
    const outcome = await run("/data", SCRATCH);
    assert.deepEqual(said(outcome), {
      wrong: [],
      lines: ["reading: ok", "writing: ok"],
      exitCode: 0,
    });
  });
});

test("invoke() ends a program as it wants to end, and keeps what it wrote before", async () => {
  await withProgram("c-exits", ONLY_SCRATCH, async (run) => {
    for (const code of [0, 1, 7, 255]) {
      for (const way of ["return", "exit"]) {
        const lines = ["before", `at exit ${code}`];
        const outcome = await run(way, `${code}`);
        assert.deepEqual(said(outcome), { wrong: [], lines, exitCode: code });
        assert.equal(outcome.status, code === 0 ? "succeeded" : "failed");
      }
      const abrupt = await run("proc_exit", `${code}`);
      assert.deepEqual(said(abrupt), { wrong: [], lines: ["before"], exitCode: code });
    }
    const aborted = await run("abort");
    assert.equal(aborted.status, "trapped");
    assert.deepEqual(said(aborted).lines, ["before"]);
    // There are no signals: not supported.
    assert.deepEqual(said(await run("raise")).lines, ["before", "raised: 58"]);
  });
});
