import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Invocation } from "@nexus-functions/server/core/invocation";
import { FIXTURES, nexus } from "../testing/nexus.ts";
import { HELLO, project } from "../testing/project.ts";

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
