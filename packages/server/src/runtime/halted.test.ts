// What is told of a run that was ended from outside: all that it did until then.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FunctionLimits } from "../core/function.ts";
import { TEST_LIMITS } from "../testing/limits.ts";
import { echoModule, wasiModule } from "../testing/modules.ts";
import { threadRuntime } from "./host/thread-runtime.ts";
import type { Outcome, Runtime } from "./runtime.ts";

const PAGE = 65_536;
const LIMITS: FunctionLimits = {
  ...TEST_LIMITS,
  timeoutMs: 150,
  memoryBytes: 32 * PAGE,
  outputBytes: 1024,
  logBytes: 256,
  logLines: 5,
  emits: 3,
  // More than a quick machine makes until the timeout.
  hostCalls: 1_000_000_000,
};

function oneThread(): Runtime & AsyncDisposable {
  const runtime = threadRuntime({ workers: 1, maxWorkers: 1 });
  return Object.assign(runtime, {
    [Symbol.asyncDispose]: () => runtime.close(AbortSignal.abort()),
  });
}

async function load(
  runtime: Runtime,
  version: string,
  module: Promise<Uint8Array>,
  limits: Partial<FunctionLimits> = {},
): Promise<void> {
  await runtime.load({ version, bytes: await module, limits: { ...LIMITS, ...limits } });
}

function run(runtime: Runtime, version: string, signal?: AbortSignal): Promise<Outcome> {
  const stdin = new TextEncoder().encode("input");
  return runtime.invoke({ version, function: version, stdin, env: {} }, signal);
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const texts = ({ logs }: Outcome) => logs.map((line) => line.text);

/** Three log lines and the beginning of a fourth, some output, an emitted event, two pages more; then `then`. */
const busy = (then: string) =>
  wasiModule(`
  (data (i32.const 16) "one\\ntwo\\r\\nthree\\nfour{\\"type\\":\\"a\\"}output so far")
  (func (export "_start")
    (call $write (i32.const 2) (i32.const 16) (i32.const 6))
    (call $write (i32.const 2) (i32.const 22) (i32.const 13))
    (drop (call $emit (i32.const 35) (i32.const 12)))
    (call $write (i32.const 1) (i32.const 47) (i32.const 13))
    (drop (memory.grow (i32.const 2)))
    (drop (memory.grow (i32.const 1000)))
    ${then})`);
const forever = (body = "") => `(loop $forever ${body} (br $forever))`;

function assertBusy(outcome: Outcome): void {
  assert.deepEqual(texts(outcome), ["one", "two", "three", "four"]);
  for (const { time } of outcome.logs) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(Date.parse(time) >= outcome.startedAt);
    assert.ok(Date.parse(time) <= Date.now());
  }
  assert.equal(outcome.logsTruncated, false);
  assert.equal(text(outcome.output), "output so far");
  assert.equal(outcome.outputBytes, 13);
  assert.deepEqual(outcome.emitted.map(text), [`{"type":"a"}`]);
  assert.equal(outcome.memoryPeakBytes, 4 * PAGE);
}

test("invoke() keeps what an endless loop did before its timeout, and nothing of it reaches the next run", async () => {
  await using runtime = oneThread();
  await load(runtime, "busy", busy(forever()));
  await load(runtime, "echo", echoModule());
  const before = Date.now();
  const outcome = await run(runtime, "busy");
  assert.equal(outcome.status, "timed_out");
  assertBusy(outcome);
  assert.equal(outcome.cold, false, "it was warmed up");
  assert.ok(outcome.startedAt >= before && outcome.startedAt <= Date.now());
  assert.ok(Date.parse(outcome.logs[0]!.time) < outcome.startedAt + LIMITS.timeoutMs);
  const next = await run(runtime, "echo");
  assert.equal(text(next.output), "input");
  assert.deepEqual([next.logs, next.emitted, next.memoryPeakBytes], [[], [], 2 * PAGE]);
});

test("invoke() tells of an ended run nothing of the one before it on the same thread", async () => {
  await using runtime = oneThread();
  await load(runtime, "busy", busy(""));
  await load(runtime, "loop", wasiModule(`(func (export "_start") ${forever()})`));
  assertBusy(await run(runtime, "busy"));
  const warm = await run(runtime, "busy");
  assertBusy(warm);
  assert.equal(warm.cold, false);
  const outcome = await run(runtime, "loop");
  assert.equal(outcome.status, "timed_out");
  assert.deepEqual([outcome.logs, outcome.emitted], [[], []]);
  assert.deepEqual([outcome.output.length, outcome.outputBytes], [0, 0]);
  assert.equal(outcome.memoryPeakBytes, 2 * PAGE);
});

test("invoke() cuts the flood of an endless loop at the limits, and says so", async () => {
  await using runtime = oneThread();
  const flood = (fd: number) =>
    wasiModule(`(data (i32.const 16) "0123456789\\n") (func (export "_start")
      ${forever(`(call $write (i32.const ${fd}) (i32.const 16) (i32.const 11))`)})`);
  await load(runtime, "lines", flood(2));
  await load(runtime, "bytes", flood(2), { logLines: 1000 });
  await load(runtime, "output", flood(1));
  const lines = await run(runtime, "lines");
  assert.equal(lines.status, "timed_out");
  assert.equal(lines.logsTruncated, true);
  assert.deepEqual(
    texts(lines),
    Array.from({ length: 5 }, () => "0123456789"),
  );
  const bytes = await run(runtime, "bytes");
  assert.equal(bytes.logsTruncated, true);
  assert.equal(texts(bytes).join("").length, LIMITS.logBytes);
  const output = await run(runtime, "output");
  assert.equal(output.status, "timed_out");
  assert.equal(text(output.output), "0123456789\n".repeat(94).slice(0, 1024));
  assert.ok(output.outputBytes > 1024);
});

test("invoke() keeps megabytes of output of a run that is ended, also after one that needed as many", async () => {
  await using runtime = oneThread();
  const large = (then: string) =>
    wasiModule(`(func (export "_start") (local $i i32)
      (loop $more
        (memory.fill (i32.const 1024) (i32.add (i32.const 33) (local.get $i)) (i32.const 100000))
        (call $write (i32.const 1) (i32.const 1024) (i32.const 100000))
        (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 60))))
      ${then})`);
  const limits = { outputBytes: 8 * 1024 * 1024, timeoutMs: 1_000 };
  await load(runtime, "ends", large(""), limits);
  await load(runtime, "endless", large(forever()), limits);
  const letters = Array.from({ length: 60 }, (_, index) => String.fromCharCode(33 + index));
  const expected = letters.map((letter) => letter.repeat(100_000)).join("");
  for (const name of ["ends", "endless", "ends", "endless"]) {
    const outcome = await run(runtime, name);
    assert.equal(outcome.status, name === "ends" ? "succeeded" : "timed_out");
    assert.ok(text(outcome.output) === expected);
  }
});

/** Ends runs later and later until one has come to its loop; each before it did a part of the same. */
async function endedInItsLoop(endAfter: (ms: number) => Promise<Outcome>): Promise<Outcome> {
  for (let ms = 1; ; ms *= 2) {
    const outcome = await endAfter(ms);
    assert.equal(outcome.status, "cancelled");
    assert.ok("output so far".startsWith(text(outcome.output)));
    if (outcome.memoryPeakBytes === 4 * PAGE || ms > 5_000) return outcome;
  }
}

test("invoke() keeps what a cancelled run did", async () => {
  await using runtime = oneThread();
  await load(runtime, "busy", busy(forever()), { timeoutMs: 60_000 });
  assertBusy(await endedInItsLoop((ms) => run(runtime, "busy", AbortSignal.timeout(ms))));
});

test("close() keeps what the run did that it cuts off", async () => {
  const outcome = await endedInItsLoop(async (ms) => {
    await using runtime = oneThread();
    await load(runtime, "busy", busy(forever()), { timeoutMs: 60_000 });
    const cutOff = run(runtime, "busy");
    await runtime.close(AbortSignal.timeout(ms));
    return await cutOff;
  });
  assertBusy(outcome);
});

test("invoke() keeps what a memory hog did, and how large it became", async () => {
  await using runtime = oneThread();
  const hog = (then: string) =>
    wasiModule(`(data (i32.const 16) "more\\n") (func (export "_start")
      (loop $more
        (call $write (i32.const 2) (i32.const 16) (i32.const 5))
        (br_if $more (i32.ne (memory.grow (i32.const 10)) (i32.const -1))))
      ${then})`);
  await load(runtime, "traps", hog("(unreachable)"));
  await load(runtime, "loops", hog(forever()));
  for (const [name, status] of [
    ["traps", "out_of_memory"],
    ["loops", "timed_out"],
  ] as const) {
    const outcome = await run(runtime, name);
    assert.equal(outcome.status, status);
    assert.deepEqual(texts(outcome), ["more", "more", "more", "more"]);
    assert.equal(outcome.memoryPeakBytes, 32 * PAGE);
  }
});

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

// Logs, then throws an exception which holds the last one, and so on: a chain in V8's own heap.
// wabt's text format has no exnref, hence the bytes.
function exceptionChain(): Uint8Array {
  const section = (id: number, ...content: number[]) => [id, content.length, ...content];
  const name = (text: string) => [text.length, ...new TextEncoder().encode(text)];
  const log = [0x41, 2, 0x41, 0, 0x41, 1, 0x41, 8, 0x10, 0, 0x1a];
  const chain = [
    0x03, 0x40, 0x02, 0x69, 0x1f, 0x40, 0x01, 0x03, 0x00, 0x23, 0x00, 0x08, 0x00, 0x0b, 0x00, 0x0b,
    0x24, 0x00, 0x0c, 0x00, 0x0b, 0x0b,
  ];
  const code = [0x00, ...log, ...chain];
  const data = [16, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...name("throwing\n\n").slice(1)];
  return new Uint8Array([
    ...HEADER,
    ...section(1, 3, 0x60, 1, 0x69, 0, 0x60, 0, 0, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f),
    ...section(2, 1, ...name("wasi_snapshot_preview1"), ...name("fd_write"), 0, 2),
    ...section(3, 1, 1),
    ...section(5, 1, 0, 1),
    ...section(13, 1, 0, 0),
    ...section(6, 1, 0x69, 1, 0xd0, 0x69, 0x0b),
    ...section(7, 1, ...name("_start"), 0, 1),
    ...section(10, 1, code.length, ...code),
    ...section(11, 1, 0, 0x41, 0, 0x0b, data.length, ...data),
  ]);
}

test("invoke() keeps what a guest did whose thread died because it filled V8's own heap", async () => {
  await using runtime = oneThread();
  await load(runtime, "chain", Promise.resolve(exceptionChain()), { timeoutMs: 60_000 });
  await load(runtime, "echo", echoModule());
  // On a busy machine the warm-up may have cost a thread as well.
  const { replaced } = runtime.status();
  const outcome = await run(runtime, "chain");
  assert.equal(outcome.status, "out_of_memory");
  assert.deepEqual(texts(outcome), ["throwing", ""]);
  assert.equal(outcome.memoryPeakBytes, PAGE);
  assert.equal(runtime.status().replaced, replaced + 1);
  const next = await run(runtime, "echo");
  assert.equal(next.status, "succeeded");
  assert.deepEqual(next.logs, []);
});

// Echoes its event, and loops for ever where that is "loop".
const echoOrLoop = () =>
  wasiModule(`(func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 4096))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (if (i32.eq (i32.load8_u (i32.const 1024)) (i32.const 108)) (then ${forever()}))
    (call $write (i32.const 1) (i32.const 1024) (i32.load (i32.const 8))))`);

/** So long the host hears of nothing; the guests go on. */
function hearNothing(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test("invoke() runs nothing again that had ended when its thread was stopped", async () => {
  await using runtime = oneThread();
  await load(runtime, "f", echoOrLoop(), { timeoutMs: 60_000 });
  const begin = (stdin: string, signal?: AbortSignal) =>
    runtime.invoke({ version: "f", function: "f", stdin: Buffer.from(stdin), env: {} }, signal);
  await begin("first");
  const stop = new AbortController();
  const ended = begin("ended");
  const looping = begin("loop", stop.signal);
  hearNothing(200);
  stop.abort();
  assert.equal((await looping).status, "cancelled");
  const outcome = await ended;
  assert.equal(text(outcome.output), "ended");
  assert.equal(outcome.cold, false, "it ran in the thread that was stopped");
});

test("close() tells of a run as it ended, where it had not yet heard of it", async () => {
  await using runtime = oneThread();
  await load(runtime, "f", echoModule());
  await run(runtime, "f");
  const ended = run(runtime, "f");
  hearNothing(200);
  await runtime.close(AbortSignal.abort());
  const outcome = await ended;
  assert.equal(outcome.status, "succeeded");
  assert.equal(text(outcome.output), "input");
});
