// What WebAssembly leaves open, or hangs on the machine: each is given again in a replay, or the recording says that it need not be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { TEST_LIMITS } from "../testing/limits.ts";
import { wasiModule } from "../testing/modules.ts";
import { bytes, testRuntime, type TestRuntime } from "../testing/runtime.ts";
import type { Outcome } from "./runtime.ts";

const MIB = 1024 * 1024;

async function loaded(
  version: string,
  body: string,
  limits: Partial<typeof TEST_LIMITS> & { readonly stackCalls?: number } = {},
): Promise<TestRuntime> {
  const t = testRuntime({ workers: 2 }, TEST_LIMITS);
  const all = { ...TEST_LIMITS, outputBytes: MIB, ...limits };
  await t.runtime.load({ version, bytes: await wasiModule(body), limits: all });
  return t;
}

const record = (t: TestRuntime, version: string): Promise<Outcome> =>
  t.run(version, { stdin: bytes("{}"), tape: "record" });

/** All of an outcome that a replay has to bring about again, bit for bit. */
function done({ status, exitCode, error, output, emitted, limits }: Outcome): unknown {
  return { status, exitCode, error, output: Buffer.from(output).toString("hex"), emitted, limits };
}

/** Writes so many bytes of memory from 1024 on. */
const write = (count: number): string =>
  `(call $write (i32.const 1) (i32.const 1024) (i32.const ${count}))`;

/** NaNs as each operation makes them, of operands that no compiler knows beforehand. */
const NANS = [
  "(f64.div (local.get $zero) (local.get $zero))",
  "(f64.sqrt (f64.sub (local.get $zero) (local.get $one)))",
  "(f64.sub (local.get $inf) (local.get $inf))",
  "(f64.mul (local.get $zero) (local.get $inf))",
  "(f64.min (local.get $nan) (local.get $one))",
  "(f64.max (local.get $one) (local.get $nan))",
  "(f64.add (local.get $nan) (local.get $one))",
  "(f64.promote_f32 (f32.demote_f64 (local.get $nan)))",
  "(f64.ceil (local.get $nan))",
  "(f64.neg (local.get $nan))",
  // Of constants, which a compiler may work out by itself.
  "(f64.div (f64.const 0) (f64.const 0))",
  "(f64.sqrt (f64.const -1))",
  "(f64.sub (f64.const inf) (f64.const inf))",
];
const ROUNDS = 4_000;
const NAN_BYTES = NANS.length * 8;

// Each round's bits are folded into one number, so that a compiler that comes in between would be seen.
const NAN_MODULE = `
  (global $seed (mut f64) (f64.const 0))
  (func $round (param $to i32) (local $zero f64) (local $one f64) (local $inf f64) (local $nan f64)
    (local.set $zero (global.get $seed))
    (local.set $one (f64.add (local.get $zero) (f64.const 1)))
    (local.set $inf (f64.div (local.get $one) (local.get $zero)))
    (local.set $nan (f64.reinterpret_i64 (i64.const 0x7ff800000000beef)))
    ${NANS.map((nan, index) => `(f64.store (i32.add (local.get $to) (i32.const ${index * 8})) ${nan})`).join("\n    ")})
  (func (export "_start") (local $n i32) (local $at i32)
    (local.set $n (i32.const ${ROUNDS}))
    (loop $rounds
      (call $round (i32.const 8192))
      (local.set $at (i32.const 0))
      (loop $fold
        (i32.store8 (i32.add (i32.const 1024) (local.get $at))
          (i32.add
            (i32.mul (i32.load8_u (i32.add (i32.const 1024) (local.get $at))) (i32.const 31))
            (i32.load8_u (i32.add (i32.const 8192) (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $fold (i32.lt_u (local.get $at) (i32.const ${NAN_BYTES}))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $rounds (local.get $n)))
    (call $round (i32.const ${1024 + NAN_BYTES}))
    ${write(2 * NAN_BYTES)})`;

test("invoke() gives NaNs the same bits in every run, cold or warm", async () => {
  await using t = await loaded("nans", NAN_MODULE);
  const first = await record(t, "nans");
  assert.equal(first.status, "succeeded");
  assert.equal(first.output.length, 2 * NAN_BYTES);
  for (let round = 0; round < 60; round += 1) {
    const again = await t.run("nans", { stdin: bytes("{}"), tape: first.tape });
    assert.deepEqual(done(again), done(first), `run ${round}`);
  }
});

test("invoke() refuses memory beyond its limit at the same page again", async () => {
  const limits = { memoryBytes: 4 * MIB };
  await using t = await loaded(
    "grows",
    `(func (export "_start") (local $n i32)
      (loop $more
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $more (i32.ne (memory.grow (i32.const 3)) (i32.const -1))))
      (i32.store (i32.const 1024) (local.get $n))
      (i32.store (i32.const 1028) (memory.size))
      ${write(8)}
      (call $proc_exit (i32.const 7)))`,
    limits,
  );
  const first = await record(t, "grows");
  assert.deepEqual(first.limits, ["memory"]);
  assert.equal(Buffer.from(first.output).readUInt32LE(4) <= 64, true);
  const again = await t.run("grows", { stdin: bytes("{}"), tape: first.tape });
  assert.deepEqual(done(again), done(first));
});

test("invoke() ends a recursion at the same call again where its depth is limited", async () => {
  await using t = await loaded(
    "deep",
    `(global $calls (mut i32) (i32.const 0))
    (func $down
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (i32.store (i32.const 1024) (global.get $calls))
      ${write(4)}
      (call $down)
      (global.set $calls (i32.const 0)))
    (func (export "_start") (call $down))`,
    { stackCalls: 500 },
  );
  const first = await record(t, "deep");
  assert.deepEqual([first.status, first.limits], ["trapped", ["stack"]]);
  assert.ok(first.output.length > 400 * 4);
  const again = await t.run("deep", { stdin: bytes("{}"), tape: first.tape });
  assert.deepEqual(done(again), done(first));
});
