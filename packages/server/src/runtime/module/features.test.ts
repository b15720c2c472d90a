// What V8 can beyond the first WebAssembly: each module grows its memory, so that its code is read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { TEST_LIMITS } from "../../testing/limits.ts";
import { wasiModule, wat } from "../../testing/modules.ts";
import { testRuntime } from "../../testing/runtime.ts";
import { planModule } from "./check.ts";
import { rewriteModule } from "./rewrite.ts";
import { readModule } from "./sections.ts";

const LIMITS = {
  ...TEST_LIMITS,
  timeoutMs: 5_000,
  memoryBytes: 8 * 65_536,
  outputBytes: 1_024,
  logBytes: 1_024,
  logLines: 10,
  emits: 2,
};

/** `_start` ends well where `answer` gives 42 and the memory has grown from 2 pages to 3. */
const answering = (answer: string, definitions = "") => `${definitions}
  (func (export "_start")
    (if (i32.ne (memory.grow (i32.const 1)) (i32.const 2)) (then (unreachable)))
    (if (i32.ne ${answer} (i32.const 42)) (then (unreachable)))
    (if (i32.ne (memory.size) (i32.const 3)) (then (unreachable))))`;

const splat = (value: number) => `(f32x4.splat (f32.const ${value}))`;

const FEATURES: readonly (readonly [name: string, module: () => Promise<Uint8Array>])[] = [
  [
    "SIMD",
    () =>
      wasiModule(
        answering(`(i32x4.extract_lane 2 (i32x4.add
          (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (v128.load32_zero offset=64 (i32.const 0))
            (v128.const i32x4 0x40004000 0 0 0))
          (v128.load8_lane 15 (i32.const 0) (v128.const i32x4 0 0 42 0))))`),
      ),
  ],
  [
    "relaxed SIMD",
    () =>
      wasiModule(
        answering(
          `(i32.trunc_f32_s (f32x4.extract_lane 0 (f32x4.relaxed_madd ${splat(8)} ${splat(5)} ${splat(2)})))`,
        ),
      ),
  ],
  [
    "bulk memory",
    () =>
      wasiModule(
        answering(
          `(call $f)`,
          `(data $d "@\\00*") (table $t 4 funcref) (elem $e func $f)
          (func $f (result i32)
            (memory.init $d (i32.const 100) (i32.const 0) (i32.const 3)) (data.drop $d)
            (memory.copy (i32.const 200) (i32.const 102) (i32.const 1))
            (memory.fill (i32.const 100) (i32.const 0x40) (i32.const 8))
            (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $e)
            (table.copy (i32.const 1) (i32.const 0) (i32.const 1))
            (i32.load8_u (i32.const 200)))`,
        ),
      ),
  ],
  [
    "reference types",
    () =>
      wasiModule(
        answering(
          `(i32.add (i32.const 38) (call $f))`,
          `(table $a 2 funcref) (table $b 0 externref) (elem declare func $f)
          (func $f (result i32) (local $r externref)
            (table.set $a (i32.const 1) (ref.func $f))
            (drop (table.grow $b (ref.null extern) (i32.const 3)))
            (table.fill $b (i32.const 0) (local.get $r) (i32.const 3))
            (drop (select (result externref) (local.get $r) (table.get $b (i32.const 0)) (i32.const 1)))
            (i32.add (table.size $b) (ref.is_null (table.get $a (i32.const 0)))))`,
        ),
      ),
  ],
  [
    "several values",
    () =>
      wasiModule(
        answering(
          `(i32.sub (block (param) (result i32 i32) (call $two) (loop (param i32 i32) (result i32 i32))))`,
          `(func $two (result i32 i32) (i32.const 50) (i32.const 8))`,
        ),
      ),
  ],
  [
    "tail calls",
    () =>
      wasiModule(
        answering(
          `(call $down (i32.const 1000000))`,
          `(type $t (func (param i32) (result i32))) (table funcref (elem $end))
          (func $end (type $t) (i32.const 42))
          (func $down (param $n i32) (result i32)
            (if (i32.eqz (local.get $n))
              (then (return_call_indirect (type $t) (i32.const 0) (i32.const 0))))
            (return_call $down (i32.sub (local.get $n) (i32.const 1))))`,
        ),
      ),
  ],
  [
    "exceptions of the first kind",
    () =>
      wasiModule(
        answering(
          `(try (result i32)
            (do (try (result i32) (do (throw $t (i32.const 42))) (catch_all (rethrow 0))))
            (catch $t))`,
          `(tag $t (param i32))`,
        ),
      ),
  ],
  [
    "exceptions of the second kind",
    () =>
      wasiModule(
        answering(
          `(block $h (result i32) (try_table (catch $t $h) (call $throws)) (i32.const 0))`,
          `(tag $t (param i32)) (func $throws (throw $t (i32.const 42)))`,
        ),
      ),
  ],
  [
    "constants that are computed",
    () =>
      wasiModule(
        answering(
          `(global.get $g)`,
          `(global $g i32 (i32.add (i32.const 2) (i32.mul (i32.const 8) (i32.const 5))))`,
        ),
      ),
  ],
  [
    "sign extension and saturating conversions",
    () =>
      wasiModule(
        answering(`(i32.add (i32.extend8_s (i32.const 0xff))
          (i32.sub (i32.trunc_sat_f64_s (f64.const 1e300)) (i32.const 2147483604)))`),
      ),
  ],
  [
    "atomic instructions on a memory that is not shared",
    () =>
      wasiModule(
        answering(`(block (result i32) (atomic.fence)
          (drop (i32.atomic.rmw.add (i32.const 100) (i32.const 42)))
          (i32.atomic.load (i32.const 100)))`),
      ),
  ],
  [
    "a 64-bit memory",
    () =>
      wat(`(module (memory (export "memory") i64 2)
        (func (export "_start")
          (if (i64.ne (memory.grow (i64.const 1)) (i64.const 2)) (then (unreachable)))
          (i32.store offset=64 (i64.const 131072) (i32.const 42))
          (if (i32.ne (i32.load (i64.const 131136)) (i32.const 42)) (then (unreachable)))
          (if (i64.ne (memory.size) (i64.const 3)) (then (unreachable)))))`),
  ],
  ["typed function references", () => Promise.resolve(typedReferences())],
];

// By hand: wabt's text format has the types in an older form.
function typedReferences(): Uint8Array {
  const section = (id: number, ...content: number[]) => [id, content.length, ...content];
  const name = [6, ...new TextEncoder().encode("_start")];
  const answers = [0x00, 0x41, 42, 0x0b];
  const start = [
    [0x01, 0x01, 0x63, 0x00], // (local (ref null 0))
    [0x41, 1, 0x40, 0x00, 0x41, 2, 0x47, 0x04, 0x40, 0x00, 0x0b], // as `answering` does
    [0x41, 0, 0x25, 0x00, 0x21, 0x00], // table.get, local.set
    [0x02, 0x64, 0x00, 0x20, 0x00, 0xd6, 0x00, 0x00, 0x0b], // br_on_non_null out of a block
    [0x14, 0x00, 0x41, 42, 0x47, 0x04, 0x40, 0x00, 0x0b], // call_ref
    [0x20, 0x00, 0xd4, 0x1a], // ref.as_non_null
    [0xd2, 0x00, 0x41, 1, 0xfc, 0x0f, 0x00, 0x41, 1, 0x47, 0x04, 0x40, 0x00, 0x0b], // table.grow
    [0x3f, 0x00, 0x41, 3, 0x47, 0x04, 0x40, 0x00, 0x0b, 0x0b],
  ].flat();
  return new Uint8Array(
    [
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      section(1, 2, 0x60, 0, 1, 0x7f, 0x60, 0, 0),
      section(3, 2, 0, 1),
      // A table of (ref 0) whose elements are function 0 at first.
      section(4, 1, 0x40, 0x00, 0x64, 0x00, 0x00, 1, 0xd2, 0x00, 0x0b),
      section(5, 1, 0, 2),
      section(7, 1, ...name, 0, 1),
      section(10, 2, answers.length, ...answers, start.length, ...start),
    ].flat(),
  );
}

for (const [name, module] of FEATURES) {
  test(`rewriteModule() reads and invoke() runs ${name}, its recursive calls counted or not`, async () => {
    const bytes = await module();
    const shape = readModule(bytes);
    const rewritten = rewriteModule(shape, planModule(shape, LIMITS).memory, LIMITS);
    assert.equal(rewritten.watchesGrowth, true);
    await using t = testRuntime({ workers: 1 }, LIMITS);
    await t.load("plain", Promise.resolve(bytes));
    await t.load("counted", Promise.resolve(bytes), { stackCalls: 1 });
    for (const version of ["plain", "counted"]) {
      const outcome = await t.run(version);
      assert.equal(outcome.error, null);
      assert.equal(outcome.memoryPeakBytes, 3 * 65_536);
    }
  });
}

test("planModule() refuses structs and arrays with the reason", () => {
  const struct = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x5f, 1, 0x7f, 1];
  assert.throws(() => planModule(readModule(new Uint8Array(struct)), LIMITS), /garbage-collected/);
});
