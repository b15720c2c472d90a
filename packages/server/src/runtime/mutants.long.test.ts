// More than a hundred thousand damaged modules, of what compilers make of C, Rust and AssemblyScript.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fixture, wasiModule } from "../testing/modules.ts";
import { mutant } from "../testing/mutate.ts";
import { tryMutants, type Mutants } from "../testing/mutants.ts";
import { randomNumbers } from "../testing/random.ts";

const SEED = 20_261;

/** Damaged at random; the same mutants every time. */
function damaged(name: string, module: Uint8Array, count: number): Mutants {
  return {
    name,
    original: module,
    count,
    mutant: (index) => mutant(module, randomNumbers(SEED + index)),
  };
}

const CHANGES: readonly ((byte: number) => number)[] = [
  () => 0x00,
  () => 0x7f,
  () => 0xff,
  (byte) => byte ^ 0x01,
  (byte) => byte ^ 0x80,
];

/** Every byte of a module changed in five ways, each for itself. */
function byteByByte(name: string, module: Uint8Array): Mutants {
  return {
    name: `${name}, byte by byte`,
    original: module,
    count: module.length * CHANGES.length,
    mutant: (index) => {
      const at = Math.floor(index / CHANGES.length);
      return module.with(at, CHANGES[index % CHANGES.length]!(module[at]!));
    },
  };
}

/** Tables, growth, vectors, exceptions, tail calls, segments and references in one module. */
const everything = () =>
  wasiModule(`
  (type $unary (func (param i32) (result i32)))
  (table $calls 4 40 funcref) (table $values 1 externref)
  (elem (table $calls) (i32.const 0) func $down $throws) (elem $more func $down) (elem declare func $grows)
  (data (i32.const 64) "some bytes") (data $later "and some more") (tag $t (param i32))
  (global $g (mut i32) (i32.add (i32.const 3) (i32.const 4)))
  (func $down (type $unary)
    (if (i32.eqz (local.get 0)) (then (return (global.get $g))))
    (return_call_indirect $calls (type $unary) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))
  (func $throws (type $unary) (throw $t (local.get 0)))
  (func $grows (result i32 i32)
    (drop (memory.grow (i32.const 1)))
    (drop (table.grow $values (ref.null extern) (i32.const 5)))
    (drop (table.grow $calls (ref.func $grows) (i32.const 2)))
    (memory.size) (table.size $calls))
  (func $vectors (result i32) (local $v v128)
    (local.set $v (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
      (v128.load (i32.const 64)) (v128.const i32x4 1 2 3 4)))
    (v128.store32_lane 2 (i32.const 128) (f32x4.relaxed_madd (local.get $v) (local.get $v) (local.get $v)))
    (i32x4.extract_lane 1 (local.get $v)))
  (func (export "_start") (local $at i32)
    (memory.init $later (i32.const 200) (i32.const 0) (i32.const 5)) (data.drop $later)
    (table.init $calls $more (i32.const 2) (i32.const 0) (i32.const 1)) (elem.drop $more)
    (memory.copy (i32.const 300) (i32.const 200) (i32.const 5))
    (local.set $at (block $caught (result i32)
      (try_table (catch $t $caught)
        (drop (call_indirect $calls (type $unary) (i32.const 9) (i32.const 1))))
      (i32.const 0)))
    (call $grows) (drop) (drop)
    (drop (call $down (i32.const 50)))
    (drop (i32.trunc_sat_f64_s (f64.convert_i32_u (i32.extend8_s (call $vectors)))))
    (block $a (block $b (block $c (br_table $a $b $c (local.get $at)))))
    (call $write (i32.const 1) (i32.const 64) (i32.const 10)))`);

async function example(path: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(new URL(`../../../../examples/${path}`, import.meta.url)));
}

test("load() refuses a damaged module, or invoke() contains it, a hundred thousand times", async () => {
  const [all, c, library, rust, order, hello] = await Promise.all([
    everything(),
    fixture("traps/divide-5"),
    fixture("wasi"),
    fixture("traps/panic"),
    fixture("traps/order"),
    example("hello/build/hello.wasm"),
  ]);
  const mutants = [
    byteByByte("all features", all),
    byteByByte("C", c),
    byteByByte("AssemblyScript", order),
    damaged("all features", all, 32_000),
    damaged("C", c, 16_000),
    damaged("C with its library", library, 12_000),
    damaged("AssemblyScript", order, 12_000),
    damaged("AssemblyScript with its library", hello, 12_000),
    damaged("Rust", rust, 4_000),
  ];
  const count = mutants.reduce((sum, each) => sum + each.count, 0);
  assert.ok(count >= 100_000);
  const tally = await tryMutants(mutants, `with seed ${SEED}`);
  assert.equal(tally.refused + tally.ran, count);
  // Damage that everything refuses would try the checks only.
  assert.ok(tally.ran > count / 50, `${tally.ran} of ${count} ran`);
});
