import assert from "node:assert/strict";
import { test } from "node:test";
import { NexusError } from "../core/errors.ts";
import { TEST_LIMITS } from "../testing/limits.ts";
import {
  echoModule,
  emitModule,
  environModule,
  failModule,
  fixture,
  hogModule,
  loopModule,
  trapModule,
  wasiModule,
  wat,
} from "../testing/modules.ts";
import { bytes, runOnce, testRuntime, text } from "../testing/runtime.ts";

test("invoke() gives a command its stdin and keeps its stdout", async () => {
  const outcome = await runOnce(echoModule(), { stdin: bytes("an event") });
  assert.equal(outcome.status, "succeeded");
  assert.equal(outcome.exitCode, 0);
  assert.equal(outcome.error, null);
  assert.equal(text(outcome.output), "an event");
  assert.equal(outcome.memoryPeakBytes, 131_072);
});

test("invoke() takes a view into a larger buffer as stdin", async () => {
  const stdin = bytes("before|event|after").subarray(7, 12);
  assert.equal(text((await runOnce(echoModule(), { stdin })).output), "event");
});

test("invoke() gives the guest the environment it is told, and no other", async () => {
  const outcome = await runOnce(environModule(), { env: { NAME: "välue", EMPTY: "" } });
  assert.equal(text(outcome.output), "NAME=välue\0EMPTY=\0");
});

test("invoke() reports an exit code other than 0 with the last line of stderr", async () => {
  const outcome = await runOnce(failModule());
  assert.equal(outcome.status, "failed");
  assert.equal(outcome.exitCode, 3);
  assert.equal(outcome.error?.code, "FUNCTION_FAILED");
  assert.match(outcome.error.message, /exit code 3: failing on purpose$/);
  assert.deepEqual(
    outcome.logs.map(({ text }) => text),
    ["failing on purpose"],
  );
  assert.match(outcome.logs[0]!.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test("invoke() reports a trap with its reason and the guest's functions", async () => {
  const outcome = await runOnce(trapModule());
  assert.equal(outcome.status, "trapped");
  assert.equal(outcome.exitCode, null);
  assert.match(outcome.error!.message, /unreachable code.* in explode/);
});

const TRAPS: readonly (readonly [name: string, body: string, reason: RegExp])[] = [
  ["a read out of bounds", `(drop (i32.load (i32.const -4)))`, /memory access out of bounds/],
  ["a division by zero", `(drop (i32.div_u (i32.const 1) (i32.const 0)))`, /divide by zero/],
  ["recursion without end", `(call $self)`, /stack overflowed/],
];
for (const [name, body, reason] of TRAPS) {
  test(`invoke() contains ${name}`, async () => {
    const outcome = await runOnce(wasiModule(`(func $self (export "_start") ${body})`));
    assert.equal(outcome.status, "trapped");
    assert.match(outcome.error!.message, reason);
  });
}

test("invoke() tells a guest that the memory limit refused from one that trapped", async () => {
  const hog = await runOnce(hogModule());
  assert.equal(hog.status, "out_of_memory");
  assert.equal(hog.error?.code, "FUNCTION_OUT_OF_MEMORY");
  assert.ok(hog.memoryPeakBytes <= TEST_LIMITS.memoryBytes);
  const exits = await runOnce(
    wasiModule(`(func (export "_start")
      (if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1))
        (then (call $proc_exit (i32.const 7)))))`),
  );
  assert.equal(exits.status, "out_of_memory");
  assert.equal(exits.exitCode, 7);
});

test("invoke() lets a guest succeed that lived with a refused growth", async () => {
  const outcome = await runOnce(
    wasiModule(`(func (export "_start") (drop (memory.grow (i32.const 1000))))`),
  );
  assert.equal(outcome.status, "succeeded");
});

test("invoke() runs a reactor: _initialize first, then handle_event, whose result is the exit code", async () => {
  const body = `(global $ready (mut i32) (i32.const 5))
    (func (export "_initialize") (global.set $ready (i32.const 0)))`;
  const entry = `(func (export "handle_event") (result i32) (global.get $ready))`;
  assert.equal((await runOnce(wasiModule(body + entry))).status, "succeeded");
  const failing = `(func (export "handle_event") (result i32) (i32.const 4))`;
  assert.equal((await runOnce(wasiModule(failing))).exitCode, 4);
});

const BARE = (answer: string) => `(module (memory (export "memory") 1)
  (func (export "alloc") (param i32) (result i32) (i32.const 100))
  (func (export "handle_event") (param i32 i32) (result i64) ${answer}))`;

test("invoke() runs a bare module through alloc and handle_event", async () => {
  const echo = BARE(`(i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32))
    (i64.extend_i32_u (local.get 1)))`);
  assert.equal(text((await runOnce(wat(echo), { stdin: bytes("bare") })).output), "bare");
});

test("invoke() contains a bare module that answers with a place outside its memory", async () => {
  const outcome = await runOnce(wat(BARE(`(i64.const -1)`)));
  assert.equal(outcome.status, "trapped");
  assert.match(outcome.error!.message, /`handle_event` answered with a place outside/);
});

test("invoke() runs a program of a C library", async () => {
  const outcome = await runOnce(fixture("noop"), { stdin: bytes("{}") });
  assert.equal(text(outcome.output), `{"bytes":2}`);
});

test("invoke() hands over what the guest emits, and refuses what is over the limit", async () => {
  const outcome = await runOnce(emitModule(), { stdin: bytes(`{"type":"a"}`) });
  assert.deepEqual(outcome.emitted.map(text), [`{"type":"a"}`]);
  const refused = await runOnce(emitModule(), {}, { emits: 0 });
  assert.equal(refused.exitCode, 51);
  assert.deepEqual(refused.emitted, []);
});

test("nexus.emit answers with the codes that docs/writing-functions.md tells", async () => {
  // Writes the code of each call as one byte.
  const calls = [
    "(i32.const 131071) (i32.const 2)",
    "(i32.const -1) (i32.const 1)",
    "(i32.const 16) (i32.const 0)",
    "(i32.const 16) (i32.const 65536)",
    ...Array.from({ length: 17 }, () => "(i32.const 0) (i32.const 65536)"),
    "(i32.const 16) (i32.const 1)",
    "(i32.const 131072) (i32.const 0)",
  ];
  const body = calls.map(
    (call) => `(i32.store8 (i32.const 16) (call $emit ${call}))
      (call $write (i32.const 1) (i32.const 16) (i32.const 1))`,
  );
  const module = wasiModule(`(func (export "_start") ${body.join("\n")})`);
  const bytesFull = await runOnce(module, {}, { emits: 100 });
  const taken = Array.from({ length: 16 }, () => 0);
  // Sixteen times 64 KiB are the 1 MiB that fit where limits.output is less.
  assert.deepEqual([...bytesFull.output], [21, 21, 28, ...taken, 35, 35, 35, 28]);
  assert.equal(bytesFull.emitted.length, 16);
  const eventsFull = await runOnce(module);
  assert.deepEqual([...eventsFull.output.subarray(0, 8)], [21, 21, 28, 0, 0, 0, 51, 51]);
  assert.equal(eventsFull.emitted.length, 3);
});

test("invoke() cuts a flood of output and of log lines, and says so", async () => {
  const flood = (fd: number) =>
    wasiModule(`(data (i32.const 16) "0123456789\\n") (func (export "_start") (local $i i32)
      (loop $more (call $write (i32.const ${fd}) (i32.const 16) (i32.const 11))
        (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000)))))`);
  const output = await runOnce(flood(1));
  assert.equal(output.status, "succeeded");
  assert.equal(output.output.length, 1024);
  assert.equal(output.outputBytes, 11_000);
  const lines = await runOnce(flood(2));
  assert.equal(lines.logs.length, 5);
  assert.equal(lines.logsTruncated, true);
  const logBytes = await runOnce(flood(2), {}, { logLines: 1000 });
  assert.equal(logBytes.logsTruncated, true);
  assert.equal(
    logBytes.logs.reduce((sum, { text }) => sum + text.length, 0),
    TEST_LIMITS.logBytes,
  );
});

const ENDLESS: readonly (readonly [name: string, module: () => Promise<Uint8Array>])[] = [
  ["an endless loop", loopModule],
  [
    "a start function that never ends",
    () => wasiModule(`(func $s (loop $l (br $l))) (start $s) (func (export "_start"))`),
  ],
  [
    "an _initialize that never ends",
    () =>
      wasiModule(`(func (export "_initialize") (loop $l (br $l))) (func (export "handle_event"))`),
  ],
  // V8 looks for an end from outside between instructions, and a single one of these takes long.
  ...(
    [
      ["large fills", "(memory.fill (i32.const 0) (i32.const 1) (i32.const 134217728))"],
      ["large copies", "(memory.copy (i32.const 0) (i32.const 64) (i32.const 134217000))"],
      [
        "large fills of a table",
        "(table.fill $t (i32.const 0) (ref.null func) (i32.const 900000))",
      ],
      ["large copies of a table", "(table.copy (i32.const 0) (i32.const 9) (i32.const 800000))"],
    ] as const
  ).map(
    ([name, body]) =>
      [
        `a loop of ${name}`,
        () =>
          wat(`(module (memory 2048) (table $t 900000 funcref)
            (func (export "_start") (loop $l ${body} (br $l))))`),
      ] as const,
  ),
];
for (const [name, module] of ENDLESS) {
  test(`invoke() ends ${name} at its timeout and replaces the thread, once`, async () => {
    await using t = testRuntime();
    const limits = { ...TEST_LIMITS, timeoutMs: 100, memoryBytes: 2 ** 27 };
    const endless = { version: "endless", bytes: await module(), limits };
    await t.runtime.load({ ...endless, warmUp: false });
    await t.load("echo", echoModule());
    const outcome = await t.run("endless");
    assert.equal(outcome.status, "timed_out");
    assert.equal(outcome.error?.code, "FUNCTION_TIMED_OUT");
    assert.ok(outcome.durationMs >= 100);
    assert.deepEqual(outcome.limits, ["timeout"]);
    assert.equal(t.runtime.status().replaced, 1);
    assert.equal((await t.run("echo")).status, "succeeded");
    const again = await t.run("endless");
    assert.equal(again.status, "timed_out");
    assert.equal(again.error?.message, outcome.error?.message);
    assert.deepEqual(again.limits, ["timeout"]);
    assert.equal(
      t.runtime.status().replaced,
      1,
      "whoever did it before is ended in its own thread",
    );
    assert.equal((await t.run("echo")).status, "succeeded");
  });

  test(`load() sees ${name} when it warms it up, and invoke() ends it without its thread`, async () => {
    await using t = testRuntime();
    await t.load("endless", module(), { timeoutMs: 50, memoryBytes: 2 ** 27 });
    assert.deepEqual((await t.run("endless")).limits, ["timeout"]);
    assert.equal(t.runtime.status().replaced, 0);
  });
}

test("invoke() serves other functions while loops hold all threads", async () => {
  await using t = testRuntime({ workers: 2, maxWorkers: 3 });
  await t.load("loop", loopModule(), { timeoutMs: 60_000 });
  await t.load("echo", echoModule());
  const stop = new AbortController();
  let ended = 0;
  const loops = Array.from({ length: 4 }, async () => {
    const outcome = await t.run("loop", {}, stop.signal);
    ended += 1;
    return outcome;
  });
  for (let count = 0; count < 200; count += 1) {
    const outcome = await t.run("echo", { stdin: bytes(String(count)) });
    assert.equal(text(outcome.output), String(count));
  }
  assert.equal(ended, 0, "the neighbours were done before the first loop was ended");
  stop.abort();
  for (const outcome of await Promise.all(loops)) assert.equal(outcome.status, "cancelled");
});

test("invoke() ends what is cancelled, running or waiting", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  await t.load("loop", loopModule());
  await t.load("echo", echoModule());
  const stop = new AbortController();
  const running = t.run("loop", {}, stop.signal);
  const waiting = t.run("echo", {}, stop.signal);
  const neighbour = t.run("echo", { stdin: bytes("still served") });
  setTimeout(() => stop.abort(), 50);
  assert.equal((await running).status, "cancelled");
  assert.equal((await waiting).status, "cancelled");
  assert.equal(text((await neighbour).output), "still served");
  for (let count = 0; count < 200; count += 1) {
    assert.equal((await t.run("echo", {}, AbortSignal.abort())).status, "cancelled");
  }
});

test("close() waits for what is under way, then refuses", async () => {
  await using t = testRuntime();
  await t.load("echo", echoModule());
  const runs = Array.from({ length: 50 }, () => t.run("echo", { stdin: bytes("x") }));
  await Promise.all([t.runtime.close(), t.runtime.close()]);
  for (const outcome of await Promise.all(runs)) assert.equal(outcome.status, "succeeded");
  await assert.rejects(t.run("echo"), { code: "SHUTTING_DOWN" });
});

test("close() cancels what is still under way when its signal aborts", async () => {
  await using t = testRuntime();
  await t.load("loop", loopModule());
  const running = t.run("loop");
  await t.runtime.close(AbortSignal.timeout(100));
  assert.equal((await running).status, "cancelled");
});

test("unload() lets invocations under way finish, and no new ones begin", async () => {
  await using t = testRuntime();
  await t.load("echo", echoModule());
  const running = t.run("echo", { stdin: bytes("x") });
  t.runtime.unload("echo");
  assert.equal((await running).status, "succeeded");
  await assert.rejects(t.run("echo"), { code: "MODULE_INVALID" });
  await t.load("echo", echoModule());
  assert.equal((await t.run("echo")).status, "succeeded");
});

const REFUSED: readonly (readonly [name: string, module: string, message: RegExp])[] = [
  [
    "an unknown import module",
    `(module (import "env" "abort" (func)) (func (export "_start")))`,
    /"env"\."abort"/,
  ],
  [
    "an unknown function of WASI",
    `(module (import "wasi_snapshot_preview1" "fd_fly" (func)) (func (export "_start")))`,
    /"fd_fly", which is not there/,
  ],
  [
    "an import with another type",
    `(module (import "nexus" "emit" (func (param i64))) (func (export "_start")))`,
    /\(i64\); it is \(i32, i32\) -> i32/,
  ],
  [
    "an import of another kind",
    `(module (import "nexus" "emit" (global i32)) (func (export "_start")))`,
    /as a global; it is a function/,
  ],
  [
    "shared memory",
    `(module (memory 1 2 shared) (func (export "_start")))`,
    /threads are not supported/,
  ],
  [
    "an imported shared memory",
    `(module (import "env" "memory" (memory 1 2 shared)) (func (export "_start")))`,
    /"env"\."memory", a shared memory: threads are not supported/,
  ],
  [
    "the start of a thread",
    `(module (import "wasi" "thread-spawn" (func (param i32) (result i32))) (func (export "_start")))`,
    /"wasi"\."thread-spawn": threads are not supported/,
  ],
  [
    "two memories",
    `(module (memory 1) (memory 1) (func (export "_start")))`,
    /more than one memory/,
  ],
  [
    "a table with 64-bit indices",
    `(module (table i64 1 funcref) (func (export "_start")))`,
    /64-bit indices/,
  ],
  ["no entry point", `(module (func (export "main")))`, /no entry point/],
  [
    "an entry point of another type",
    `(module (func (export "_start") (param i32)))`,
    /`_start` is \(i32\); it must be \(\)/,
  ],
  [
    "more memory than the limit",
    `(module (memory 1000) (func (export "_start")))`,
    /over the function's limit/,
  ],
];
for (const [name, module, message] of REFUSED) {
  test(`load() refuses ${name}`, async () => {
    await using t = testRuntime();
    await assert.rejects(t.load("f", wat(module)), (error) => {
      assert.ok(error instanceof NexusError);
      assert.equal(error.code, "MODULE_INVALID");
      assert.match(error.message, /^Cannot load module: /);
      assert.match(error.message, message);
      return true;
    });
  });
}

test("load() refuses bytes that are no module, a component, and every cut of a real one", async () => {
  await using t = testRuntime();
  const load = (data: readonly number[] | Uint8Array) =>
    t.load("f", Promise.resolve(new Uint8Array(data)));
  await assert.rejects(load([]), /it is empty/);
  await assert.rejects(load(bytes("#!/bin/sh")), /not WebAssembly/);
  await assert.rejects(load([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]), /component/);
  const real = await echoModule();
  const names = real.length - 100; // within or before the name section
  for (let length = 0; length < names; length += 7) {
    await assert.rejects(load(real.subarray(0, length)), { code: "MODULE_INVALID" });
  }
});

test("load() refuses tables that V8's heap cannot hold, and invoke() refuses their growth", async () => {
  await using t = testRuntime();
  const huge = wat(`(module (table 9000000 funcref) (func (export "_start")))`);
  await assert.rejects(t.load("huge", huge), /tables have 9000000 elements/);
  const grows = wat(`(module (table $t 1 externref) (func (export "_start")
    (if (i32.ne (table.grow $t (ref.null extern) (i32.const 9000000)) (i32.const -1))
      (then (unreachable)))))`);
  assert.equal((await runOnce(grows)).status, "succeeded");
});

test("load() rewrites code with newer instructions without changing what it does", async () => {
  // Each of these carries bytes that look like memory.grow (0x40 0x00) where they are none.
  const module = wasiModule(`
    (data $d "@\\00@\\00")
    (func (export "_start") (local $v v128)
      (block (loop (br 1)))
      (memory.init $d (i32.const 64) (i32.const 0) (i32.const 4))
      (local.set $v (v128.const i8x16 0x40 0 0x40 0 0x40 0 0x40 0 0x40 0 0x40 0 0x40 0 0x40 0))
      (v128.store offset=8192 (i32.const 0) (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
        (local.get $v) (local.get $v)))
      (i32.store (i32.const 8212) (memory.grow (i32.const 3)))
      (i32.store (i32.const 8216) (memory.size))
      (memory.copy (i32.const 8208) (i32.const 64) (i32.const 4))
      (f64.store (i32.const 8220) (f64.const 32.0))
      (call $write (i32.const 1) (i32.const 8192) (i32.const 28)))`);
  const { status, output, memoryPeakBytes } = await runOnce(module);
  assert.equal(status, "succeeded");
  assert.equal(memoryPeakBytes, 5 * 65_536);
  const pairs = Array.from({ length: 10 }, () => [0x40, 0]).flat();
  assert.deepEqual([...output.subarray(0, 20)], pairs);
  assert.deepEqual([output[20], output[24]], [2, 5]);
});

test("invoke() does not look at all that waits for each run that comes to it", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  await t.load("echo", echoModule());
  /** How long the caller is held until runs of so many functions are under way. */
  const burst = async (functions: number): Promise<number> => {
    const begun = performance.now();
    const runs = Array.from({ length: functions }, (_, index) =>
      t.run("echo", { function: `function ${index}` }),
    );
    const heldMs = performance.now() - begun;
    await Promise.all(runs);
    return heldMs;
  };
  await burst(1_000);
  const few = Math.max(await burst(1_000), await burst(1_000));
  // The machine may do something else during one of them.
  const many = Math.min(await burst(10_000), await burst(10_000), await burst(10_000));
  assert.ok(many < 40 * few, "ten times as many take ten times as long");
});
