import assert from "node:assert/strict";
import { test } from "node:test";
import type { GrantedFiles, MountedFiles } from "../core/mounts.ts";
import { TEST_LIMITS } from "../testing/limits.ts";
import { fixture } from "../testing/modules.ts";
import { threadRuntime } from "./host/thread-runtime.ts";
import type { Outcome } from "./runtime.ts";

/** `message` and `folder/deep`. */
const DATA: MountedFiles = {
  bytes: new Uint8Array(new SharedArrayBuffer(9)).buffer,
  nodes: [
    {
      kind: "directory",
      entries: [
        { name: "folder", node: 1 },
        { name: "link", node: 4 },
        { name: "message", node: 3 },
      ],
    },
    { kind: "directory", entries: [{ name: "deep", node: 2 }] },
    { kind: "file", at: 5, length: 4 },
    { kind: "file", at: 0, length: 5 },
    { kind: "link", target: "folder/deep" },
  ],
};
new Uint8Array(DATA.bytes).set(new TextEncoder().encode("hellodeep"));

type Run = (...args: readonly string[]) => Promise<Outcome>;

async function withFiles(files: GrantedFiles | undefined, use: (run: Run) => Promise<void>) {
  const runtime = threadRuntime({ workers: 1, maxWorkers: 1 });
  try {
    const bytes = await fixture("files");
    const granted = files === undefined ? {} : { files };
    await runtime.load({ version: "v", bytes, limits: TEST_LIMITS, ...granted });
    const request = { version: "v", function: "files", stdin: new Uint8Array(0), env: {} };
    await use((...args) => runtime.invoke({ ...request, args }));
  } finally {
    await runtime.close();
  }
}

function lines({ output, error }: Outcome): string[] {
  assert.equal(error, null);
  return new TextDecoder().decode(output).trimEnd().split("\n");
}

const SCRATCH = { mounts: [], scratchBytes: 1024 * 1024 };
const MOUNTED = { mounts: [{ guest: "/data", files: DATA }], scratchBytes: 0 };

test("a function without grants sees no file system", async () => {
  await withFiles(undefined, async (run) => {
    assert.deepEqual(lines(await run("show", "/data/message", "put", "/tmp/a")), [
      "show /data/message: Capabilities insufficient",
      "put /tmp/a: Capabilities insufficient",
    ]);
  });
});

test("a scratch directory is empty at the beginning of every invocation", async () => {
  await withFiles(SCRATCH, async (run) => {
    const acts = ["list", "/tmp", "mkdir", "/tmp/d", "put", "/tmp/d/a", "show", "/tmp/d/a"];
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(lines(await run(...acts, "list", "/tmp")), [
        "list /tmp:",
        "mkdir /tmp/d: done",
        "put /tmp/d/a: done",
        "show /tmp/d/a: written",
        "list /tmp: d",
      ]);
    }
  });
});

test("a scratch directory takes as much as it may, in bytes and in names", async () => {
  await withFiles(SCRATCH, async (run) => {
    const full = await run("fill", "/tmp/a", "put", "/tmp/b", "rm", "/tmp/a", "put", "/tmp/b");
    assert.deepEqual(lines(full), [
      "fill /tmp/a: 15: No space left on device",
      "put /tmp/b: No space left on device",
      "rm /tmp/a: done",
      "put /tmp/b: done",
    ]);
    assert.deepEqual(full.limits, ["scratch"]);
    const many = await run("many", "/tmp");
    assert.deepEqual(lines(many), ["many /tmp: stopped: No space left on device"]);
    assert.deepEqual(many.limits, ["scratch"]);
    assert.deepEqual(lines(await run("list", "/tmp")), ["list /tmp:"]);
  });
});

test("a mount is seen as it was taken, and cannot be changed", async () => {
  await withFiles(MOUNTED, async (run) => {
    for (let round = 0; round < 2; round += 1) {
      const seen = await run("list", "/data", "show", "/data/message", "show", "/data/link");
      assert.deepEqual(lines(seen), [
        "list /data: folder link message",
        "show /data/message: hello",
        "show /data/link: deep",
      ]);
      const changed = await run("put", "/data/message", "mkdir", "/data/x", "rm", "/data/message");
      assert.deepEqual(lines(changed), [
        "put /data/message: Read-only file system",
        "mkdir /data/x: Read-only file system",
        "rm /data/message: Read-only file system",
      ]);
    }
    const out = await run("show", "/data/../etc/passwd", "show", "/etc/passwd");
    assert.deepEqual(lines(out), [
      "show /data/../etc/passwd: Operation not permitted",
      "show /etc/passwd: Capabilities insufficient",
    ]);
  });
});
