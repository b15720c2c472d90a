import assert from "node:assert/strict";
import { test } from "node:test";
import { answerKv } from "../effects/kv.ts";
import { memoryState } from "../log/drivers/memory-state.ts";
import { TEST_LIMITS } from "../testing/limits.ts";
import { fixture, wat } from "../testing/modules.ts";
import { bytes, testRuntime, text, type TestRuntime } from "../testing/runtime.ts";
import type { HostCalls } from "./host-calls.ts";
import type { InvokeRequest, Outcome } from "./runtime.ts";

const LIMITS = { ...TEST_LIMITS, outputBytes: 1024 * 1024 };
const GRANTS = { kv: true, secrets: ["API_KEY"], fetch: FETCH() } as const;

function FETCH() {
  return { allow: [], timeoutMs: 1_000, responseBytes: 1_000, requests: 1, redirects: 0 };
}

const kvCalls = (): HostCalls => {
  const state = memoryState();
  return { answer: (call) => answerKv(call, { state, function: "f", now: Date.now }) };
};

async function effects(): Promise<TestRuntime> {
  const t = testRuntime({ workers: 1, maxWorkers: 2 }, LIMITS);
  await t.runtime.load({
    version: "effects",
    bytes: await fixture("effects"),
    limits: LIMITS,
    grants: GRANTS,
  });
  return t;
}

const run = (t: TestRuntime, lines: readonly string[], request: Partial<InvokeRequest>) =>
  t.run("effects", { stdin: bytes(`!${lines.join("\n")}`), ...request });

function done({ status, exitCode, error, output, logs, emitted, limits }: Outcome): unknown {
  const texts = logs.map(({ text }) => text);
  return { status, exitCode, error, output, texts, emitted, limits };
}

const LINES = [
  "get a",
  "new a 1",
  "new a 2",
  "cas a 3",
  "set b hello world",
  "get a",
  "tmp c short",
  "list ",
  "del b",
  "del b",
  "list a",
];

test("invoke() has host calls answered, and a replay is given the same without asking", async () => {
  await using t = await effects();
  const first = await run(t, LINES, { hostCalls: kvCalls(), tape: "record" });
  assert.equal(first.error, null);
  assert.equal(
    text(first.output),
    [
      "get: error 44 (there is no such entry)",
      "new: done",
      "new: error 72 (the entry is not as expected)",
      "cas: done",
      "set: done",
      "get: 3",
      "tmp: done",
      "list: 3 a=3 b=hello world c=short",
      "del: done",
      "del: error 44 (there is no such entry)",
      "list: 1 a=3",
      "",
    ].join("\n"),
  );
  assert.deepEqual(done(await run(t, LINES, { tape: first.tape })), done(first));
});

test("invoke() with a tape ends where the function asks for something else", async () => {
  await using t = await effects();
  const { tape } = await run(t, ["new x 1", "get a"], { hostCalls: kvCalls(), tape: "record" });
  const ended = async (lines: readonly string[]): Promise<string> => {
    const outcome = await run(t, lines, { tape });
    assert.equal(outcome.error?.code, "REPLAY_DIVERGED");
    return outcome.error.message.replace(/^Cannot run function "effects": it /, "");
  };
  assert.match(
    await ended(["new x 1", "get b"]),
    /^diverged at host call #\d+: kv\.get\("b"\), recorded kv\.get\("a"\)$/,
  );
  assert.match(
    await ended(["new x 2", "get a"]),
    /: kv\.set\("x", "2", if absent\), recorded kv\.set\("x", "1", if absent\)$/,
  );
  assert.match(
    await ended(["new x 1", "get a", "get a"]),
    /: kv\.get\("a"\), and the recording ends before$/,
  );
  assert.match(await ended(["new x 1"]), /and the recording goes on with call$/);
  assert.match(
    await ended(["secret API_KEY"]),
    /\(nexus\.secret_get\): it asks for secret, and was given call$/,
  );
});

test("invoke() with one byte of a host call on its tape changed does something else, or diverges", async () => {
  await using t = await effects();
  const lines = ["new a 1", `set b ${"long ".repeat(30)}`, "get b", "secret API_KEY", "list "];
  const secrets = { API_KEY: "open sesame" };
  const first = await run(t, lines, { hostCalls: kvCalls(), secrets, tape: "record" });
  assert.equal(first.error, null);
  const unseen: number[] = [];
  for (let at = 0; at < first.tape.length; at += 1) {
    const tape = first.tape.slice();
    tape[at]! ^= 0x10;
    const again = await run(t, lines, { secrets, tape });
    if (Buffer.from(again.output).equals(first.output) && again.error === null) unseen.push(at);
  }
  // What the function was given and does not show: the revisions of its two writes, of one read and in a list of two.
  assert.equal(unseen.length, 5 * 8);
});

test("invoke() keeps a secret out of the tape, and diverges where it is another one now", async () => {
  await using t = await effects();
  const lines = ["secret API_KEY", "set copy open sesame", "get open sesame", "header API_KEY"];
  const secrets = { API_KEY: "open sesame" };
  const first = await run(t, lines, { hostCalls: kvCalls(), secrets, tape: "record" });
  assert.match(text(first.output), /^secret: 11 bytes\nset: done\nget: error 44/);
  assert.equal(Buffer.from(first.tape).includes("sesame"), false);
  assert.deepEqual(done(await run(t, lines, { secrets, tape: first.tape })), done(first));
  const other = await run(t, lines, { secrets: { API_KEY: "open barley" }, tape: first.tape });
  assert.match(
    other.error!.message,
    /\(nexus\.secret_get\): the secret "API_KEY" is not what it was$/,
  );
  const gone = await run(t, lines, { tape: first.tape });
  assert.match(gone.error!.message, /the secret "API_KEY" is not there any more$/);
});

test("invoke() lets many runs wait for answers in one thread, and each has its own", async () => {
  await using t = await effects();
  const waiting: (() => void)[] = [];
  const hostCalls: HostCalls = {
    async answer({ parts }) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        // All at once, when as many wait as a thread has seats.
        if (waiting.length === 12) for (const go of waiting.toReversed()) go();
      });
      return { errno: 0, payload: Buffer.concat([Buffer.alloc(8), parts[0]!]) };
    },
  };
  const names = Array.from({ length: 12 }, (_, index) => `key-${index}`);
  const outcomes = await Promise.all(names.map((name) => run(t, [`get ${name}`], { hostCalls })));
  for (const [index, { output }] of outcomes.entries()) {
    assert.equal(text(output), `get: ${names[index]}\n`);
  }
  assert.equal(t.runtime.status().replaced, 0);
});

test("invoke() ends a run that waits for an answer at its timeout, and tells whoever answers", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  const limits = { ...LIMITS, timeoutMs: 60 };
  const bytesOf = await fixture("effects");
  await t.runtime.load({ version: "effects", bytes: bytesOf, limits, grants: GRANTS });
  let aborted = 0;
  const hostCalls: HostCalls = {
    answer: (_, signal) =>
      new Promise((resolve) =>
        signal.addEventListener("abort", () => {
          aborted += 1;
          resolve({ errno: 0, payload: new Uint8Array(8) });
        }),
      ),
  };
  for (let round = 0; round < 3; round += 1) {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => run(t, ["get a"], { hostCalls })),
    );
    for (const { status } of outcomes) assert.equal(status, "timed_out");
  }
  assert.equal(aborted, 60);
  assert.equal(t.runtime.status().replaced, 0);
  const after = await run(t, ["get a"], { hostCalls: kvCalls() });
  assert.match(text(after.output), /^get: error 44/);
});

test("invoke() answers host calls with nosys where nobody does", async () => {
  await using t = await effects();
  assert.equal(
    text((await run(t, ["get a"], {})).output),
    "get: error 52 (nobody answers host calls here)\n",
  );
});

const GETS = (rest: string) =>
  wat(`(module
  (import "nexus" "kv_get" (func $get (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "nexus" "answer_read" (func $read (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "key")
  (func $ask (param $at i32) (param $capacity i32) (param $size i32) (result i32)
    (call $get (i32.const 0) (i32.const 3) (local.get $at) (local.get $capacity) (local.get $size) (i32.const 0)))
  (func $check (param i32) (if (i32.eqz (local.get 0)) (then (unreachable))))
  ${rest})`);

test("invoke() says it where a start function would have to wait", async () => {
  await using t = testRuntime();
  await t.runtime.load({
    version: "starts",
    limits: LIMITS,
    grants: GRANTS,
    bytes: await GETS(`
      (start $start)
      (func $start (drop (call $ask (i32.const 64) (i32.const 8) (i32.const 32))))
      (func (export "_start"))`),
  });
  const outcome = await t.run("starts", { hostCalls: kvCalls(), tape: "record" });
  assert.equal(outcome.status, "trapped");
  assert.match(outcome.error!.message, /its start function made a host call that may have to wait/);
  const again = await t.run("starts", { tape: outcome.tape });
  assert.deepEqual(done(again), done(outcome));
});

test("invoke() suspends `_initialize`, a reactor and a bare module as it does a command", async () => {
  await using t = testRuntime();
  let asked = 0;
  const hostCalls: HostCalls = {
    async answer() {
      asked += 1;
      return { errno: 0, payload: Buffer.from("12345678value") };
    },
  };
  const ASK = "(call $check (i32.eqz (call $ask (i32.const 64) (i32.const 8) (i32.const 32))))";
  const entries = {
    command: `(func (export "_start") ${ASK})`,
    reactor: `(func (export "_initialize") ${ASK}) (func (export "handle_event") ${ASK})`,
    bare: `
      (func (export "alloc") (param i32) (result i32) ${ASK} (i32.const 1024))
      (func (export "handle_event") (param i32 i32) (result i64) ${ASK} (i64.const 0x4000000005))`,
  };
  for (const [version, entry] of Object.entries(entries)) {
    await t.runtime.load({
      version,
      limits: LIMITS,
      grants: GRANTS,
      warmUp: false,
      bytes: await GETS(entry),
    });
    const outcome = await t.run(version, { hostCalls, tape: "record" });
    assert.equal(outcome.error, null);
    assert.deepEqual(done(await t.run(version, { tape: outcome.tape })), done(outcome));
    if (version === "bare") assert.equal(text(outcome.output), "value");
  }
  assert.equal(asked, 5);
});

test("kv_get does nothing where there is no room in the guest's memory, and keeps what does not fit", async () => {
  await using t = testRuntime();
  let asked = 0;
  const hostCalls: HostCalls = {
    async answer() {
      asked += 1;
      return { errno: 0, payload: Buffer.from("12345678value") };
    },
  };
  await t.runtime.load({
    version: "asks",
    limits: LIMITS,
    grants: GRANTS,
    warmUp: false,
    bytes: await GETS(`
      (func (export "_start")
        (call $check (i32.eq (call $ask (i32.const 65530) (i32.const 8) (i32.const 32)) (i32.const 21)))
        (call $check (i32.eq (call $ask (i32.const 64) (i32.const 8) (i32.const 65534)) (i32.const 21)))
        (call $check (i32.eq (call $ask (i32.const 64) (i32.const 4) (i32.const 32)) (i32.const 51)))
        (call $check (i32.eq (i32.load (i32.const 32)) (i32.const 5)))
        (call $check (i32.eqz (i32.load (i32.const 64))))
        (call $check (i32.eq (call $read (i32.const 64) (i32.const 4) (i32.const 32)) (i32.const 51)))
        (call $check (i32.eqz (call $read (i32.const 64) (i32.const 5) (i32.const 32))))
        (call $check (i32.eq (i32.load8_u (i32.const 68)) (i32.const 101))))`),
  });
  const outcome = await t.run("asks", { hostCalls });
  assert.equal(outcome.error, null);
  assert.equal(asked, 1);
});

test("load() refuses a module that imports what it is not granted, and says what is missing", async () => {
  await using t = testRuntime();
  const bytesOf = await fixture("effects");
  const load = (grants: object) =>
    t.runtime.load({ version: "effects", bytes: bytesOf, limits: LIMITS, grants });
  await assert.rejects(load({}), {
    code: "MODULE_INVALID",
    message: /which its settings do not grant \(add `/,
  });
  const { fetch, ...others } = GRANTS;
  await assert.rejects(load(others), {
    message: /imports "nexus"\."fetch", which its settings do not grant \(add `fetch: \{ allow:/,
  });
  await load({ ...others, fetch });
});
