// Every limit with a module that tries to break it, and the record's word for it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fixture, hogModule, wasiModule, wat } from "../testing/modules.ts";
import { bytes, runOnce, testRuntime, text } from "../testing/runtime.ts";

const CLOCK = `(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))`;

const linux = process.platform === "linux" ? {} : { skip: "processor time is read on Linux only" };

test(
  "invoke() ends a run that has used up its processor time, before its timeout",
  linux,
  async () => {
    await using t = testRuntime();
    const loop = wasiModule(`(func (export "_start") (loop $l (br $l)))`);
    await t.load("f", loop, { timeoutMs: 60_000, cpuMs: 50 });
    const outcome = await t.run("f");
    assert.equal(outcome.status, "timed_out");
    assert.deepEqual(outcome.limits, ["cpu"]);
    assert.match(outcome.error!.message, /its limit of 50 ms of processor time/);
    assert.equal(outcome.error!.code, "FUNCTION_TIMED_OUT");
  },
);

test("invoke() ends an endless loop of host calls at the most it may make", async () => {
  const module = wat(`(module ${CLOCK} (memory (export "memory") 1)
    (func (export "_start") (loop $l (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 8))) (br $l))))`);
  const outcome = await runOnce(module, {}, { hostCalls: 5_000 });
  assert.equal(outcome.status, "trapped");
  assert.equal(outcome.error?.code, "FUNCTION_LIMIT");
  assert.match(outcome.error.message, /more host calls than its limit of 5000/);
  assert.deepEqual(outcome.limits, ["host_calls"]);
});

test("invoke() does not let a guest catch that its host calls are used up", async () => {
  const module = wat(`(module ${CLOCK} (memory (export "memory") 1)
    (func (export "_start") (loop $l
      (try (do (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 8)))) (catch_all))
      (br $l))))`);
  assert.deepEqual((await runOnce(module, {}, { hostCalls: 100 })).limits, ["host_calls"]);
});

test("invoke() lets a guest make as many host calls as it may, in every run anew", async () => {
  await using t = testRuntime();
  const three = "(drop (call $clock (i32.const 0) (i64.const 0) (i32.const 8)))".repeat(3);
  const module = wat(
    `(module ${CLOCK} (memory (export "memory") 1) (func (export "_start") ${three}))`,
  );
  await t.load("f", module, { hostCalls: 3 });
  for (let run = 0; run < 3; run += 1) assert.equal((await t.run("f")).status, "succeeded");
});

test("invoke() names the memory limit, whether the guest lived with it or not", async () => {
  const hog = await runOnce(hogModule());
  assert.equal(hog.status, "out_of_memory");
  assert.deepEqual(hog.limits, ["memory"]);
  const lives = await runOnce(
    wasiModule(`(func (export "_start") (drop (memory.grow (i32.const 60000))))`),
  );
  assert.equal(lives.status, "succeeded");
  assert.deepEqual(lives.limits, ["memory"]);
});

test("invoke() names the table limit where it refused a growth", async () => {
  const module = wat(`(module (table $t 1 funcref) (func (export "_start")
    (if (i32.ne (table.grow $t (ref.null func) (i32.const 500)) (i32.const -1)) (then (unreachable)))
    (if (i32.eq (table.grow $t (ref.null func) (i32.const 50)) (i32.const -1)) (then (unreachable)))))`);
  const outcome = await runOnce(module, {}, { tableElements: 200 });
  assert.equal(outcome.error, null);
  assert.deepEqual(outcome.limits, ["table"]);
});

test("load() refuses a table and a module over their limits, by name", async () => {
  const table = wat(`(module (table 300 funcref) (func (export "_start")))`);
  await assert.rejects(runOnce(table, {}, { tableElements: 200 }), /300 elements; 200 is the most/);
  const large = wat(
    `(module (memory 1) (data (i32.const 0) "${"x".repeat(4000)}") (func (export "_start")))`,
  );
  await assert.rejects(runOnce(large, {}, { moduleBytes: 2048 }), { code: "MODULE_INVALID" });
});

test("invoke() names what was cut: output, log lines, bytes of the log, emitted events", async () => {
  const flood = (fd: number) =>
    wasiModule(`(data (i32.const 16) "0123456789\\n") (func (export "_start") (local $i i32) (loop $more
      (call $write (i32.const ${fd}) (i32.const 16) (i32.const 11))
      (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 500)))))`);
  assert.deepEqual((await runOnce(flood(1))).limits, ["output"]);
  assert.deepEqual((await runOnce(flood(2))).limits, ["log_lines"]);
  assert.deepEqual((await runOnce(flood(2), {}, { logLines: 1000, logBytes: 100 })).limits, [
    "logs",
  ]);
  const emits =
    wasiModule(`(data (i32.const 16) "{}") (func (export "_start") (local $i i32) (loop $more
      (drop (call $emit (i32.const 16) (i32.const 2)))
      (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5)))))`);
  const emitted = await runOnce(emits);
  assert.deepEqual(emitted.limits, ["emits"]);
  assert.equal(emitted.emitted.length, 3);
});

test("invoke() names the stack where recursion was too deep, suspended runs included", async () => {
  const deep = (imports: string) =>
    wat(
      `(module ${imports} (memory (export "memory") 1) (func $deep (call $deep)) (func (export "_start") (call $deep)))`,
    );
  const poll = `(import "wasi_snapshot_preview1" "poll_oneoff" (func (param i32 i32 i32 i32) (result i32)))`;
  for (const imports of ["", poll]) {
    const outcome = await runOnce(deep(imports));
    assert.equal(outcome.status, "trapped");
    assert.deepEqual(outcome.limits, ["stack"]);
    assert.match(outcome.error!.message, /the stack overflowed/);
  }
});

test("invoke() lets a program in C call itself as often as it may, names the line of one call more, and begins anew", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  await t.load("deep", fixture("traps/deep"), { stackCalls: 1_000 });
  for (let run = 0; run < 3; run += 1) {
    assert.equal(text((await t.run("deep", { stdin: bytes("1000") })).output), "y");
    const refused = await t.run("deep", { stdin: bytes("1001") });
    assert.equal(refused.status, "trapped");
    assert.deepEqual(refused.limits, ["stack"]);
    assert.equal(refused.error!.code, "FUNCTION_LIMIT");
    assert.match(
      refused.error!.message,
      /: it trapped: the stack depth limit of 1000 calls \(limits\.stack\) was reached in down \(deep\.c:12:\d+\) < aside \(deep\.c:8:\d+\) < down/,
    );
    assert.deepEqual(
      refused.error!.trap!.frames.slice(0, 2).map((frame) => [frame.function, frame.line]),
      [
        ["down", 12],
        ["aside", 8],
      ],
    );
  }
  assert.equal(t.runtime.status().replaced, 0);
});

test("invoke() names a stack limit wherever the run was: at its start, suspendable, where it catches everything", async () => {
  const deep = `(func $deep (call $deep))`;
  const all = `(func (export "_start") (try (do (call $deep)) (catch_all)))`;
  const poll = `(import "wasi_snapshot_preview1" "poll_oneoff" (func (param i32 i32 i32 i32) (result i32)))`;
  for (const module of [
    `${deep} ${all}`,
    `${poll} (memory (export "memory") 1) ${deep} ${all}`,
    `${deep} (func (export "_start")) (start $deep)`,
    `${deep} (func (export "_initialize") (call $deep)) (func (export "handle_event"))`,
  ]) {
    const outcome = await runOnce(wat(`(module ${module})`), {}, { stackCalls: 50 });
    assert.equal(outcome.status, "trapped");
    assert.equal(outcome.error!.code, "FUNCTION_LIMIT");
    assert.deepEqual(outcome.limits, ["stack"]);
    assert.match(outcome.error!.message, /limit of 50 calls \(limits\.stack\) was reached in deep/);
  }
});

test("invoke() names the stack also where V8's own ends before the limit", async () => {
  // The limit counts calls, and what a function keeps beside them is its own affair: here 4 KB each time.
  const each = (text: (index: number) => string) => Array.from({ length: 500 }, (_, i) => text(i));
  const wide = `(global $g (mut i64) (i64.const 0)) (func $deep (export "_start")
    ${each((index) => `(local $l${index} i64)`).join(" ")}
    ${each((index) => `(local.set $l${index} (i64.add (global.get $g) (i64.const ${index})))`).join(" ")}
    (call $deep)
    ${each((index) => `(global.set $g (i64.xor (global.get $g) (local.get $l${index})))`).join(" ")})`;
  const narrow = `(func $deep (export "_start") (call $deep))`;
  for (const [text, code] of [
    [narrow, "FUNCTION_LIMIT"],
    [wide, "FUNCTION_TRAPPED"],
  ] as const) {
    const outcome = await runOnce(wat(`(module ${text})`), {}, { stackCalls: 20_000 });
    assert.deepEqual([outcome.limits, outcome.error!.code], [["stack"], code]);
  }
});
