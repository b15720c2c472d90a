// Runs that wait for a host call, many in one thread: none holds up or sees another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { echoModule, loopModule, wat } from "../testing/modules.ts";
import { bytes, testRuntime, text } from "../testing/runtime.ts";

/** Writes its event to stderr, sleeps `ms`, writes what its memory then holds of it to stdout; then `then`. */
const sleeper = (ms: number, then = "") =>
  wat(`(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (global $sum (mut i32) (i32.const 0))
  (func $echo (param $fd i32)
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 12))))
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 4096))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $echo (i32.const 2))
    (global.set $sum (i32.add (global.get $sum) (i32.const 1)))
    (drop (memory.grow (i32.const 1)))
    (i32.store (i32.const 144) (i32.const 1)) ;; the monotonic clock
    (i64.store (i32.const 152) (i64.const ${ms}000000))
    (if (call $poll (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 320)) (then (unreachable)))
    (if (i32.ne (i32.load (i32.const 320)) (i32.const 1)) (then (unreachable)))
    (if (i32.ne (global.get $sum) (i32.const 1)) (then (unreachable)))
    (if (i32.ne (memory.size) (i32.const 3)) (then (unreachable)))
    (call $echo (i32.const 1))
    ${then}))`);

test("invoke() has many runs sleep in one thread at once, and none sees another's", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  await t.load("sleeper", sleeper(100));
  const begun = performance.now();
  const names = Array.from({ length: 12 }, (_, index) => `event ${index}`);
  const outcomes = await Promise.all(names.map((name) => t.run("sleeper", { stdin: bytes(name) })));
  assert.ok(performance.now() - begun < 12 * 100, "they slept side by side");
  for (const [index, outcome] of outcomes.entries()) {
    assert.equal(outcome.error, null);
    assert.equal(text(outcome.output), names[index]);
    assert.equal(outcome.logs[0]?.text, names[index]);
    assert.ok(outcome.durationMs >= 100);
    assert.equal(outcome.memoryPeakBytes, 3 * 65_536);
  }
  assert.equal(t.runtime.status().replaced, 0);
});

test("invoke() ends a sleep of a year at its timeout, and its thread goes on with the others", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  await t.load("year", sleeper(31_536_000_000), { timeoutMs: 60 });
  await t.load("echo", echoModule());
  const outcomes = await Promise.all([
    t.run("year", { stdin: bytes("a") }),
    t.run("year", { stdin: bytes("b") }),
  ]);
  for (const [index, outcome] of outcomes.entries()) {
    assert.equal(outcome.status, "timed_out");
    assert.deepEqual(outcome.limits, ["timeout"]);
    assert.equal(outcome.logs[0]?.text, "ab"[index]);
    assert.equal(outcome.output.length, 0);
  }
  assert.equal(text((await t.run("echo", { stdin: bytes("still here") })).output), "still here");
  assert.equal(t.runtime.status().replaced, 0);
});

test("invoke() uses the places of ended sleeps again, however many there were", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  await t.load("year", sleeper(31_536_000_000), { timeoutMs: 20 });
  for (let round = 0; round < 3; round += 1) {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => t.run("year")));
    for (const { status } of outcomes) assert.equal(status, "timed_out");
  }
});

test("invoke() cancels a run that sleeps and no other", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  await t.load("sleeper", sleeper(150));
  const stop = new AbortController();
  const cancelled = t.run("sleeper", { stdin: bytes("x") }, stop.signal);
  const other = t.run("sleeper", { stdin: bytes("y") });
  setTimeout(() => stop.abort(), 50);
  assert.equal((await cancelled).status, "cancelled");
  assert.equal(text((await other).output), "y");
  assert.equal(t.runtime.status().replaced, 0);
});

test("invoke() gives a sleeper's thread to no other function that could hold it up", async () => {
  await using t = testRuntime({ workers: 2, maxWorkers: 4 });
  await t.load("sleeper", sleeper(200));
  await t.load("loop", loopModule(), { timeoutMs: 60_000 });
  const sleeping = Array.from({ length: 6 }, () => t.run("sleeper", { stdin: bytes("z") }));
  const stop = new AbortController();
  const looping = Array.from({ length: 3 }, () => t.run("loop", {}, stop.signal));
  for (const outcome of await Promise.all(sleeping)) assert.equal(text(outcome.output), "z");
  stop.abort();
  for (const outcome of await Promise.all(looping)) assert.equal(outcome.status, "cancelled");
});

test("invoke() ends a run that loops after its sleep, and the ones that slept beside it run again", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  const loops =
    "(if (i32.eq (i32.load8_u (i32.const 1024)) (i32.const 108)) (then (loop $l (br $l))))";
  await t.load("sleeper", sleeper(30, loops), { timeoutMs: 400 });
  const [looping, ...others] = await Promise.all(
    ["l", "a", "b"].map((event) => t.run("sleeper", { stdin: bytes(event) })),
  );
  assert.equal(looping?.status, "timed_out");
  assert.deepEqual(
    others.map(({ status, output }) => [status, text(output)]),
    [
      ["succeeded", "a"],
      ["succeeded", "b"],
    ],
  );
});

test("close() ends runs that sleep, and tells what they did", async () => {
  for (let ms = 1; ; ms *= 2) {
    await using t = testRuntime({ workers: 1, maxWorkers: 1 });
    await t.load("year", sleeper(31_536_000_000));
    const sleeping = t.run("year", { stdin: bytes("until now") });
    await t.runtime.close(AbortSignal.timeout(ms));
    const outcome = await sleeping;
    assert.equal(outcome.status, "cancelled");
    if (outcome.logs.length === 0 && ms < 2_000) continue; // it had not begun
    assert.equal(outcome.logs[0]?.text, "until now");
    return;
  }
});

/** Sleeps for a year with `pages` of its memory written, and where it can catch what wakes it, loops. */
const clinging = (pages: number) =>
  wat(`(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") ${pages})
  (func (export "_start")
    (memory.fill (i32.const 4096) (i32.const 7) (i32.const ${(pages - 1) * 65_536}))
    (i32.store (i32.const 144) (i32.const 1))
    (i64.store (i32.const 152) (i64.const 31536000000000000))
    (try (do (drop (call $poll (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 320)))) (catch_all))
    (loop $l (br $l))))`);

test("invoke() ends a sleep that would catch its end, and the thread goes on", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  await t.load("clinging", clinging(2), { timeoutMs: 60 });
  await t.load("echo", echoModule());
  for (let round = 0; round < 3; round += 1) {
    assert.equal((await t.run("clinging")).status, "timed_out");
    assert.equal(text((await t.run("echo", { stdin: bytes("on") })).output), "on");
  }
  assert.equal(t.runtime.status().replaced, 0);
});

test("invoke() keeps no memory of sleeps that were ended", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  const pages = 200;
  await t.load("clinging", clinging(pages), { timeoutMs: 200 });
  const ended = () => Promise.all(Array.from({ length: 16 }, () => t.run("clinging")));
  await ended();
  const before = process.memoryUsage().rss;
  const rounds = 6;
  for (let round = 0; round < rounds; round += 1) await ended();
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < (rounds * 16 * pages * 65_536) / 4, `${grown} bytes more are held`);
});

test("invoke() does not blame a run that sleeps for no time for the next one's endless loop", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  const loops =
    "(if (i32.eq (i32.load8_u (i32.const 1024)) (i32.const 108)) (then (loop $l (br $l))))";
  await t.load("sleeper", sleeper(0, loops), { timeoutMs: 100 });
  const outcomes = await Promise.all(
    ["a", "l"].map((event) => t.run("sleeper", { stdin: bytes(event) })),
  );
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["succeeded", "timed_out"],
  );
});

for (const maxWorkers of [1, 2]) {
  test(`invoke() lets no function wait for ever behind others that always sleep, with ${maxWorkers} threads`, async () => {
    await using t = testRuntime({ workers: 1, maxWorkers });
    const sleepers = ["a", "b", "c"];
    for (const name of sleepers) await t.load(name, sleeper(20));
    await t.load("echo", echoModule());
    const mostRounds = 300;
    const turns = new Map<string, number>();
    const allHad = () => [...sleepers, "echo"].every((name) => (turns.get(name) ?? 0) >= 3);
    /** Goes on as long as somebody else has not had three turns; staggered, so that a thread is never empty. */
    const keepOn = async (name: string, offsetMs: number): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, offsetMs));
      for (let round = 0; round < mostRounds && !allHad(); round += 1) {
        await t.run(name);
        turns.set(name, (turns.get(name) ?? 0) + 1);
      }
    };
    const going = sleepers.flatMap((name) => [0, 5, 10, 15].map((ms) => keepOn(name, ms)));
    await Promise.all([...going, keepOn("echo", 25)]);
    for (const name of sleepers) {
      assert.ok(turns.get(name)! < mostRounds, "all had their turns before one was through");
    }
  });
}

/** Loops where its event begins with an "l", and sleeps otherwise. */
const loopsOrSleeps = (ms: number) =>
  wat(`(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 4096))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (if (i32.eq (i32.load8_u (i32.const 1024)) (i32.const 108)) (then (loop $l (br $l))))
    (i32.store (i32.const 144) (i32.const 1))
    (i64.store (i32.const 152) (i64.const ${ms}000000))
    (drop (call $poll (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 320)))))`);

test("invoke() comes to the end of a run beside which others loop, however many of them come", async () => {
  await using t = testRuntime({ workers: 2, maxWorkers: 4 });
  await t.load("f", loopsOrSleeps(250), { timeoutMs: 600 });
  const slept = new AbortController();
  const keepOn = async (): Promise<void> => {
    for (let round = 0; !slept.signal.aborted; round += 1) {
      assert.ok(round < 20, "it slept to its end before the others were through");
      await t.run("f", { stdin: bytes("l") });
    }
  };
  const looping = Promise.all([keepOn(), keepOn(), keepOn(), keepOn()]);
  for (let run = 0; run < 2; run += 1) {
    const outcome = await t.run("f", { stdin: bytes("a") });
    assert.equal(outcome.status, "succeeded");
  }
  slept.abort();
  await looping;
});
