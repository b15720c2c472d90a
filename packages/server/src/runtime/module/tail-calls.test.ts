// A function that only tail-calls must end when its thread is ended: see tail-calls.ts.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { wat } from "../../testing/modules.ts";
import { planModule } from "./check.ts";
import { rewriteModule } from "./rewrite.ts";
import { readModule } from "./sections.ts";

// The optimizing compiler is the one that leaves the looking out. With this flag it has compiled a
// function before the one call goes on that made it worth the while.
setFlagsFromString("--wasm-sync-tier-up");

const LIMITS = { memoryBytes: 65_536 };

/** Enters `run` after telling so, and stays in it. */
const GUEST = `
  const { parentPort, workerData } = require("node:worker_threads");
  const module = new WebAssembly.Module(workerData);
  const imports = { nexus: { emit: () => (parentPort.postMessage("entered"), 0) } };
  new WebAssembly.Instance(module, imports).exports._start();`;

/** `first` counts down by `$step`: ten million times, and then for ever. */
const module = (functions: string) => `(module
  (import "nexus" "emit" (func $entered (param i32 i32) (result i32)))
  (type $count (func (param i32) (result i32))) (table 2 funcref)
  (global $step (mut i32) (i32.const 1))
  ${functions}
  (func (export "_start")
    (drop (call $first (i32.const 10000000)))
    (global.set $step (i32.const 0))
    (drop (call $entered (i32.const 0) (i32.const 0)))
    (drop (call $first (i32.const 1)))))`;

const isDone = `(if (i32.eqz (local.get 0)) (then (return (i32.const 0))))`;
const next = `(i32.sub (local.get 0) (global.get $step))`;

const ENDLESS: readonly (readonly [name: string, text: string])[] = [
  [
    "a function that tail-calls itself",
    module(`(func $first (type $count) ${isDone} (return_call $first ${next}))`),
  ],
  [
    "two functions that tail-call each other, and call what is small",
    module(
      `(func $small)
      (func $first (type $count) ${isDone} (call $small) (return_call $second ${next}))
      (func $second (type $count) (call $small) (return_call $first (local.get 0)))`,
    ),
  ],
  [
    "functions that tail-call each other through a table",
    module(
      `(elem (i32.const 0) $first $second)
      (func $first (type $count) ${isDone}
        (return_call_indirect (type $count) ${next} (i32.const 1)))
      (func $second (type $count)
        (return_call_indirect (type $count) (local.get 0) (i32.const 0)))`,
    ),
  ],
];

for (const [name, text] of ENDLESS) {
  test(`rewriteModule() leaves ${name} one that ends with its thread`, async () => {
    const shape = readModule(await wat(text));
    const rewritten = rewriteModule(shape, planModule(shape, LIMITS).memory, LIMITS);
    const worker = new Worker(GUEST, { eval: true, workerData: rewritten.bytes });
    assert.deepEqual(await once(worker, "message"), ["entered"]);
    // Where this does not resolve, the test never ends.
    assert.equal(await worker.terminate(), 1);
  });
}

test("rewriteModule() leaves what tail calls answer, and a stack that does not grow", async () => {
  const shape = readModule(
    await wat(`(module (type $t (func (param i32 i64) (result i64)))
      (table 1 funcref) (elem (i32.const 0) $sum)
      (func $sum (export "sum") (type $t)
        (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
        (if (i32.and (local.get 0) (i32.const 1)) (then
          (return_call_indirect (type $t)
            (i32.sub (local.get 0) (i32.const 1))
            (i64.add (local.get 1) (i64.extend_i32_u (local.get 0)))
            (i32.const 0))))
        (return_call $sum
          (i32.sub (local.get 0) (i32.const 1))
          (i64.add (local.get 1) (i64.extend_i32_u (local.get 0)))))
      (func (export "_start")))`),
  );
  const rewritten = rewriteModule(shape, null, LIMITS);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(rewritten.bytes));
  const sum = exports["sum"] as (count: number, from: bigint) => bigint;
  assert.equal(sum(1_000_000, 0n), 500_000_500_000n);
});
