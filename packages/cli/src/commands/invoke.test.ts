import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Invocation } from "@nexus-functions/server/core/invocation";
import { wat } from "@nexus-functions/server/testing/modules";
import { FIXTURES, nexus, temporaryFolder } from "../testing/nexus.ts";
import { HELLO, project, writeProject } from "../testing/project.ts";

const TIMEOUT = { timeout: 60_000 };
const PROBE = `${FIXTURES}probe.wasm`;

test(
  "nexus invoke passes its input on as it is to a module without an event, and its output, log and exit code back",
  TIMEOUT,
  async () => {
    const env = ["--env", "NEXUS_ATTEMPT=1", "--env", "NEXUS_REPLAY=false"];
    const good = await nexus(["invoke", PROBE, ...env], { input: "not even JSON \u0001" });
    assert.deepEqual(good, {
      code: 0,
      stdout: "not even JSON \u0001",
      stderr: "attempt 1, replay false\n",
    });
    const bad = await nexus(["invoke", PROBE, ...env, "--env", "FAIL_UNTIL=2"], { input: "x" });
    assert.deepEqual(bad, {
      code: 1,
      stdout: "",
      stderr: "attempt 1, replay false\nfailing on purpose\n",
    });
  },
);

test("nexus invoke runs a module on an event with what the server gives it", TIMEOUT, async () => {
  const bad = await nexus(["invoke", PROBE, "--data", "1", "--env", "FAIL_UNTIL=2"]);
  assert.deepEqual([bad.code, bad.stdout], [1, ""]);
  assert.match(
    bad.stderr,
    /^attempt 1, replay false\nfailing on purpose\n✗ failed \(exit code 1\)/,
  );
});

test(
  "nexus invoke makes an event of --data and --type, and completes the one in a file",
  TIMEOUT,
  async () => {
    await using folder = await project(HELLO);
    const made = await nexus(["invoke", PROBE, "--data", '{"n":1}', "--type", "a.b"]);
    const event = JSON.parse(made.stdout) as Record<string, unknown>;
    assert.deepEqual(
      [event["type"], event["data"], event["specversion"]],
      ["a.b", { n: 1 }, "1.0"],
    );
    await writeFile(join(folder.path, "event.json"), '{"type":"c.d","data":2}');
    const file = await nexus(["invoke", PROBE, "--event", "event.json"], { cwd: folder.path });
    assert.equal((JSON.parse(file.stdout) as { type: string }).type, "c.d");
    const refused = await nexus(["invoke", PROBE, "--event", "-"], { input: '{"type":""}' });
    assert.equal(refused.code, 1);
    assert.equal(
      refused.stderr,
      'nexus: cannot parse event: attribute "type" must be a non-empty string\n',
    );
  },
);

test(
  "nexus invoke lists the functions that a trap stopped, with their lines from DWARF or a source map",
  TIMEOUT,
  async () => {
    const rust = await nexus(["invoke", `${FIXTURES}traps/panic.wasm`], { input: "10 1 2" });
    assert.equal(rust.code, 134);
    assert.match(rust.stderr, /^thread 'main' panicked at 'the parts are 3 and not 10'/);
    assert.match(
      rust.stderr,
      /✗ trapped .*\n {2}Cannot run function "panic.wasm": it trapped: unreachable code was reached \(a panic or an abort\)\n {4}at __rust_start_panic /,
    );
    assert.match(rust.stderr, /\n {4}at panic::order::validate +panic\.rs:6:13\n/);
    const assemblyScript = await nexus(["invoke", `${FIXTURES}traps/order.wasm`], { input: "" });
    assert.match(
      assemblyScript.stderr,
      /\n {4}at assembly\/order\/share +assembly\/order\.ts:5:10\n/,
    );
  },
);

test("nexus invoke runs a function of the project with its settings", TIMEOUT, async () => {
  await using folder = await project(HELLO);
  const named = await nexus(["invoke", "hello", "--data", "1"], { cwd: folder.path });
  assert.deepEqual([named.code, named.stdout], [0, '{"greeting":"Hello"}']);
  const wrong = await nexus(["invoke", "helo", "--data", "1"], { cwd: folder.path });
  assert.equal(wrong.code, 1);
  assert.match(
    wrong.stderr,
    /"helo": the project has none of that name \(did you mean "hello"\?\)\n  It has hello\.\n/,
  );
});

test("nexus invoke --json prints the record, with the events emitted", TIMEOUT, async () => {
  const args = ["invoke", PROBE, "--data", "1", "--json", "--env", 'EMIT={"type":"x.y","data":3}'];
  const { code, stdout, stderr } = await nexus(args);
  assert.deepEqual([code, stderr], [0, ""]);
  const record = JSON.parse(stdout) as Omit<Invocation, "emitted"> & {
    emitted: { type: string }[];
  };
  assert.equal(record.status, "succeeded");
  assert.equal(record.logs[0]?.text, "attempt 1, replay false");
  assert.equal(record.emitted[0]?.type, "x.y");
});

test("nexus invoke holds the limits it was given", TIMEOUT, async () => {
  const args = ["invoke", PROBE, "--data", "1", "--env", "SPIN_MS=60000", "--timeout", "50ms"];
  const { code, stderr } = await nexus(args);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /✗ timed_out · .*\n  Cannot run function "probe": it did not finish within its limit of 50 ms\n/,
  );
});

/** Asks for a count, keeps one more, twice; writes what it is then. Its digits are its memory's byte at 16. */
const COUNTS = `(module
  (import "nexus" "kv_get" (func $get (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "nexus" "kv_set" (func $set (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "key")
  (data (i32.const 16) "0")
  (data (i32.const 32) "\\10\\00\\00\\00\\01\\00\\00\\00")
  (func $count
    (drop (call $get (i32.const 0) (i32.const 3) (i32.const 16) (i32.const 1) (i32.const 24) (i32.const 0)))
    (i32.store8 (i32.const 16) (i32.add (i32.load8_u (i32.const 16)) (i32.const 1)))
    (drop (call $set (i32.const 0) (i32.const 3) (i32.const 16) (i32.const 1) (i64.const -1) (i64.const 0) (i32.const 0)))
    (i32.store8 (i32.const 16) (i32.const 63)))
  (func (export "_start")
    (i32.store8 (i32.const 16) (i32.const 48))
    (call $count)
    (call $count)
    (drop (call $get (i32.const 0) (i32.const 3) (i32.const 16) (i32.const 1) (i32.const 24) (i32.const 0)))
    (drop (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 40)))))`;

test(
  "nexus invoke keeps values by key for as long as it runs, with an event and without",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "counts.wasm"), await wat(COUNTS));
    for (const args of [[], ["--data", "1"]]) {
      const done = await nexus(["invoke", "counts.wasm", ...args], { cwd: folder.path });
      assert.deepEqual([done.code, done.stdout], [0, "2"], done.stderr);
    }
  },
);

test(
  "nexus invoke gives a function of the project its secrets and hosts, and refuses what is not granted",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    const run = async (grants: string) => {
      const code = `${FIXTURES}effects.wasm`;
      await writeProject(
        folder.path,
        `  - { name: effects, on: { event: a }, code: "${code}", ${grants} }\n`,
      );
      return nexus(
        ["invoke", "effects", "--data", '"!secret API_KEY;fetch GET http://a.example/"'],
        {
          cwd: folder.path,
          env: { NEXUS_SECRET_API_KEY: "open sesame" },
        },
      );
    };
    const done = await run("kv: true, fetch: { allow: [b.example] }, secrets: [API_KEY]");
    assert.match(
      done.stdout,
      /^secret: 11 bytes\nfetch: error 2 \("a\.example", which is not in `fetch\.allow`\)\n$/,
    );
    const refused = await run("kv: true");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /which its settings do not grant \(add `/);
  },
);
