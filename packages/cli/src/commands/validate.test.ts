import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { nexus } from "../testing/nexus.ts";
import { HELLO, project } from "../testing/project.ts";

const TIMEOUT = { timeout: 60_000 };

interface Report {
  readonly valid: boolean;
  readonly problems: readonly { readonly line?: number; readonly path: string }[];
  readonly functions: readonly {
    readonly name: string;
    readonly entry: string;
    readonly imports: readonly string[];
  }[];
}

test(
  "nexus validate lists the functions with what enters and what they import",
  TIMEOUT,
  async () => {
    await using folder = await project(HELLO);
    const plain = await nexus(["validate"], { cwd: folder.path });
    assert.deepEqual([plain.code, plain.stderr], [0, ""]);
    assert.match(
      plain.stdout,
      /^FUNCTION +TRIGGERS .*\nhello +event com\.example\.\* +command +nexus, wasi_snapshot_preview1 .*\n✓ 1 function, no problems\n$/,
    );
    const { valid, functions } = JSON.parse(
      (await nexus(["validate", "--json"], { cwd: folder.path })).stdout,
    ) as Report;
    assert.equal(valid, true);
    assert.equal(functions[0]?.entry, "command");
    assert.deepEqual(functions[0].imports, ["nexus", "wasi_snapshot_preview1"]);
  },
);

test("nexus validate lists every problem with its place and exits with 1", TIMEOUT, async () => {
  await using folder = await project(`${HELLO}    tiemout: 5s\n    memory: lots\n`);
  const plain = await nexus(["validate"], { cwd: folder.path });
  assert.equal(plain.code, 1);
  assert.equal(plain.stdout, "");
  assert.match(plain.stderr, /^nexus\.yaml:7:5: functions\[0\]\.tiemout: .*"timeout"/m);
  assert.match(plain.stderr, /^nexus\.yaml:8:5: functions\[0\]\.memory: "lots" is not a size/m);
  assert.match(plain.stderr, /✗ 2 problems\n$/);
  const json = await nexus(["validate", "nexus.yaml", "--json"], { cwd: folder.path });
  assert.equal(json.code, 1);
  const report = JSON.parse(json.stdout) as Report;
  assert.equal(report.valid, false);
  assert.deepEqual(
    report.problems.map(({ line, path }) => [line, path]),
    [
      [7, "functions[0].tiemout"],
      [8, "functions[0].memory"],
    ],
  );
});

test("nexus validate finds a module that cannot run", TIMEOUT, async () => {
  await using folder = await project("  - { name: hello, on: { event: a }, code: ./empty.wasm }\n");
  await writeFile(
    join(folder.path, "empty.wasm"),
    new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
  );
  const { code, stderr } = await nexus(["validate"], { cwd: folder.path });
  assert.equal(code, 1);
  assert.match(stderr, /^\.\/empty\.wasm: function "hello" cannot run: it has no entry point/);
});

test("nexus validate without a project says how to begin", TIMEOUT, async () => {
  const { code, stderr } = await nexus(["validate"], { cwd: "/" });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^nexus: cannot find a project: there is no nexus\.yaml in this folder\n  Start a project with `nexus new/,
  );
});
