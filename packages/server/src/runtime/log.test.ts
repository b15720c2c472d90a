import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hashesOf } from "../core/recording.ts";
import type { FunctionLimits } from "../core/function.ts";
import { wat } from "../testing/modules.ts";
import { bytes, runOnce, testRuntime } from "../testing/runtime.ts";
import type { Outcome } from "./runtime.ts";

/** Reads its input, and does what it says: a digit logs the four bytes behind it with that level, a `w` writes them to stderr. */
const logger = wat(`(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "nexus" "log" (func $log (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $at i32) (local $end i32)
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 60000))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (local.set $at (i32.const 1024))
    (local.set $end (i32.add (i32.const 1024) (i32.load (i32.const 8))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 119))
        (then
          (i32.store (i32.const 16) (i32.add (local.get $at) (i32.const 1)))
          (i32.store (i32.const 20) (i32.const 4))
          (drop (call $write (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 24))))
        (else
          (i32.store8 (i32.const 32) (call $log
            (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))
            (i32.add (local.get $at) (i32.const 1)) (i32.const 4)))
          (i32.store (i32.const 16) (i32.const 32))
          (i32.store (i32.const 20) (i32.const 1))
          (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))))
      (local.set $at (i32.add (local.get $at) (i32.const 5)))
      (br $next)))))`);

const lines = ({ logs }: Outcome) =>
  logs.map(({ text, level }) => (level === undefined ? text : `${level}: ${text}`));

const run = (script: string, limits: Partial<FunctionLimits> = {}): Promise<Outcome> =>
  runOnce(logger, { stdin: bytes(script) }, { logBytes: 1000, logLines: 100, ...limits });

test("nexus.log gives a line its level; what stderr has begun is a line before it", async () => {
  const outcome = await run("0aaaa1bbbbwcccc2dddd3eeeewfff\nwgggg");
  assert.equal(outcome.status, "succeeded");
  assert.deepEqual(lines(outcome), [
    "debug: aaaa",
    "info: bbbb",
    "cccc",
    "warn: dddd",
    "error: eeee",
    "fff",
    "gggg",
  ]);
  assert.deepEqual([...outcome.output], [0, 0, 0, 0]);
});

test("nexus.log makes a line of each line of its text", async () => {
  assert.deepEqual(lines(await run("1a\nbc2a\n\nb3abc\n1\n\n\n\n")), [
    "info: a",
    "info: bc",
    "warn: a",
    "warn: ",
    "warn: b",
    "error: abc",
    "info: ",
    "info: ",
    "info: ",
    "info: ",
  ]);
});

test("nexus.log refuses a level that is none with 28, and goes on", async () => {
  const outcome = await run("4aaaa/bbbb1cccc");
  assert.deepEqual([...outcome.output], [28, 28, 0]);
  assert.deepEqual(lines(outcome), ["info: cccc"]);
});

test("nexus.log refuses what is not in the module's memory with 21", async () => {
  const outside = wat(`(module
    (import "nexus" "log" (func $log (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call $exit (call $log (i32.const 1) (i32.const 65530) (i32.const 7)))))`);
  const outcome = await runOnce(outside);
  assert.deepEqual([outcome.exitCode, outcome.logs], [21, []]);
});

test("nexus.log is cut at the limits of the log, and the cut line keeps its level", async () => {
  const short = await run("1aaaa2bbbb3cccc", { logBytes: 6 });
  assert.deepEqual(lines(short), ["info: aaaa", "warn: bb"]);
  assert.deepEqual([short.logsTruncated, short.limits], [true, ["logs"]]);
  const exact = await run("1aaaa2bbbb", { logBytes: 4 });
  assert.deepEqual(lines(exact), ["info: aaaa"]);
  const few = await run("1aaaa2bbbb3cccc", { logLines: 2 });
  assert.deepEqual(lines(few), ["info: aaaa", "warn: bbbb"]);
  assert.deepEqual([few.logsTruncated, few.limits], [true, ["log_lines"]]);
});

test("nexus.log goes the same way again from a recording, and its levels are in the hash of the log", async () => {
  await using t = testRuntime({ workers: 1 });
  await t.load("f", logger, { logBytes: 60, logLines: 8 });
  const step = fc.tuple(
    fc.constantFrom("w", "0", "1", "2", "3", "4"),
    fc.string({ minLength: 4, maxLength: 4, unit: fc.constantFrom("a", "b", "\n", "\r") }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const stdin = bytes(steps.flat().join(""));
      const first = await t.run("f", { stdin, tape: "record" });
      const again = await t.run("f", { stdin, tape: first.tape });
      assert.deepEqual(lines(again), lines(first));
      assert.deepEqual(hashesOf(again), hashesOf(first));
    }),
    { numRuns: 200 },
  );
  const of = async (script: string) => hashesOf(await t.run("f", { stdin: bytes(script) })).logs;
  assert.notEqual(await of("1aaaa"), await of("2aaaa"));
  assert.notEqual(await of("1aaaa"), await of("waaaa"));
});
