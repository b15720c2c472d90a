import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { counted } from "../../testing/depth.ts";

// With this flag a function is optimized before the call goes on that made it worth the while.
setFlagsFromString("--wasm-sync-tier-up");

/** Calls `next` with one less until its argument is 0. */
const counting = (name: string, next: string) =>
  `(func ${name} (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) ${next.replace("N", "(i32.sub (local.get 0) (i32.const 1))")}))
      (else (i32.const 0))))`;
const exported = (name: string) => `(export "run" (func ${name}))`;

const TABLE = `(type $t (func (param i32) (result i32))) (table $calls 4 funcref)`;

/** Each makes as many recursive calls within each other as it is told. */
const RECURSIVE: readonly (readonly [name: string, text: string])[] = [
  ["calls itself", `${counting("$f", "(call $f N)")} ${exported("$f")}`],
  [
    "comes back through two others",
    `${counting("$a", "(call $b N)")} ${counting("$b", "(call $c N)")} ${counting("$c", "(call $a N)")} ${exported("$b")}`,
  ],
  [
    "calls itself through a table",
    `${TABLE} (elem (table $calls) (i32.const 0) func $f)
    ${counting("$f", "(call_indirect (type $t) N (i32.const 0))")} ${exported("$f")}`,
  ],
  [
    "is put into a table by a passive segment",
    `${TABLE} (elem $later func $f)
    ${counting("$f", "(call_indirect (type $t) N (i32.const 1))")}
    (func (export "run") (param i32) (result i32)
      (table.init $calls $later (i32.const 1) (i32.const 0) (i32.const 1)) (call $f (local.get 0)))`,
  ],
  [
    "is put into a table by its own reference",
    `${TABLE} (elem declare func $f)
    ${counting("$f", "(call_indirect (type $t) N (i32.const 2))")}
    (func (export "run") (param i32) (result i32)
      (table.set $calls (i32.const 2) (ref.func $f)) (call $f (local.get 0)))`,
  ],
  [
    "is put into a table from a global",
    `${TABLE} (global $g funcref (ref.func $f))
    ${counting("$f", "(call_indirect (type $t) N (i32.const 3))")}
    (func (export "run") (param i32) (result i32)
      (table.set $calls (i32.const 3) (global.get $g)) (call $f (local.get 0)))`,
  ],
  [
    "stands in a segment of expressions for a table of its own",
    `${TABLE} (table $second 2 funcref) (elem (table $second) (i32.const 1) funcref (ref.null func))
    (elem (table $second) (i32.const 0) funcref (ref.func $f))
    ${counting("$f", "(call_indirect $second (type $t) N (i32.const 0))")} ${exported("$f")}`,
  ],
  [
    "calls another that is followed by a tail call back",
    `${counting("$f", "(call $g N)")}
    (func $g (param i32) (result i32) (return_call $f (local.get 0))) ${exported("$f")}`,
  ],
];

for (const [name, text] of RECURSIVE) {
  test(`rewriteModule() lets a function that ${name} go as deep as the limit, and no deeper`, async () => {
    const module = await counted(text, 100);
    assert.equal(module.call("run", 100), 100);
    assert.equal(module.call("run", 101), "refused");
    const shallow = await counted(text, 1);
    assert.equal(shallow.call("run", 1), 1);
    assert.equal(shallow.call("run", 2), "refused");
  });
}

test("rewriteModule() counts what is under way only, however it came back", async () => {
  const module = await counted(
    `(func $f (param $n i32) (param $way i32) (result i32)
      (if (i32.eqz (local.get $n)) (then (return (i32.const 7))))
      (block $out (result i32)
        (drop (br_if $out (i32.const 7) (i32.eq (local.get $way) (i32.const 1))))
        (if (i32.eq (local.get $way) (i32.const 2)) (then
          (return (call $f (i32.sub (local.get $n) (i32.const 1)) (i32.const 0)))))
        (call $f (i32.sub (local.get $n) (i32.const 1)) (local.get $way))
        (drop (call $f (i32.sub (local.get $n) (i32.const 1)) (i32.const 1)))))
    (func (export "run") (param $times i32) (result i32) (local $sum i32)
      (loop $more
        (local.set $sum (i32.add (local.get $sum)
          (call $f (i32.const 10) (i32.rem_u (local.get $times) (i32.const 3)))))
        (br_if $more (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
      (local.get $sum))`,
    10,
  );
  assert.equal(module.call("run", 3_000), 21_000);
});

test("rewriteModule() counts no tail call, and no call that cannot come back", async () => {
  const chain = Array.from(
    { length: 50 },
    (_, index) => `(func $f${index} (result i32) (call $f${index + 1}))`,
  ).join("\n");
  const straight = await counted(
    `${chain} (func $f50 (result i32) (i32.const 5)) ${exported("$f0")}`,
    1,
  );
  assert.deepEqual([straight.counts, straight.call("run")], [false, 5]);
  const jumps = await counted(
    `(type $t (func (param i32) (result i32))) (table 1 funcref) (elem (i32.const 0) $b)
    (func $small (param i32) (result i32) (i32.sub (local.get 0) (i32.const 1)))
    (func $a (type $t)
      (if (i32.eqz (local.get 0)) (then (return (call $deep (i32.const 3)))))
      (return_call_indirect (type $t) (call $small (local.get 0)) (i32.const 0)))
    (func $b (type $t) (return_call $a (local.get 0)))
    ${counting("$deep", "(call $deep N)")}
    ${exported("$a")}`,
    3,
  );
  assert.deepEqual([jumps.counts, jumps.call("run", 300_000)], [true, 3]);
});

/** Throws from `$n` calls deep. */
const THROWS = `(tag $t (param i32)) (tag $other)
  (func $throws (param $n i32)
    (if (i32.eqz (local.get $n)) (then (throw $t (i32.const 1))))
    (call $throws (i32.sub (local.get $n) (i32.const 1))))`;

/** Each has a function `$once` that has caught what `$throws` threw from 50 calls deep, and gives 1. */
const CATCHES: readonly (readonly [name: string, text: string])[] = [
  [
    "catch",
    `(func $once (result i32) (try (result i32) (do ${fifty()} (i32.const 0)) (catch $t)))`,
  ],
  [
    "catch_all, and code behind it",
    `(func $once (result i32) (local $x i32)
      (try (do ${fifty()}) (catch $other) (catch_all (local.set $x (i32.const 1)))) (local.get $x))`,
  ],
  [
    "rethrow and delegate",
    `(func $once (result i32)
      (try (result i32)
        (do (try (result i32)
          (do (try (do ${fifty()}) (delegate 0)) (i32.const 0))
          (catch $t (drop) (rethrow 0))))
        (catch $t)))`,
  ],
  [
    "try_table with a block",
    `(func $once (result i32)
      (block $h (result i32) (try_table (catch $t $h) ${fifty()}) (i32.const 0)))`,
  ],
  [
    "try_table with a loop",
    `(func $once (result i32) (local $x i32)
      (loop $again
        (br_if 1 (i32.const 1) (local.get $x)) (drop)
        (local.set $x (i32.const 1))
        (try_table (catch_all $again) ${fifty()}))
      (i32.const 0))`,
  ],
  [
    "try_table with the whole function",
    `(func $once (result i32) (try_table (catch $t 0) ${fifty()}) (i32.const 0))`,
  ],
  [
    "try_table with the whole function, which gives nothing",
    `(func $caught (try_table (catch_all 0) ${fifty()}))
    (func $once (result i32) (call $caught) (i32.const 1))`,
  ],
  [
    "try_table with the whole function, which gives two values",
    `(tag $two (param i32 i64))
    (func $throwsTwo (param $n i32)
      (if (i32.eqz (local.get $n)) (then (throw $two (i32.const 1) (i64.const 2))))
      (call $throwsTwo (i32.sub (local.get $n) (i32.const 1))))
    (func $caught (result i32 i64)
      (try_table (catch $two 0) (call $throwsTwo (i32.const 50))) (i32.const 0) (i64.const 0))
    (func $once (result i32) (call $caught) (drop))`,
  ],
];

function fifty(): string {
  return `(call $throws (i32.const 50))`;
}

const TIMES = 2_000;

for (const [name, text] of CATCHES) {
  test(`rewriteModule() counts on from where an exception was caught: ${name}`, async () => {
    const module = await counted(
      `${THROWS} ${text}
      (func (export "run") (param $times i32) (result i32) (local $sum i32)
        (loop $more
          (local.set $sum (i32.add (local.get $sum) (call $once)))
          (br_if $more (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
        (local.get $sum))
      (func $within (export "within") (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (call $once))))
        (i32.add (call $once) (call $within (i32.sub (local.get $n) (i32.const 1)))))`,
      60,
    );
    assert.equal(module.call("run", TIMES), TIMES);
    assert.equal(module.call("within", 10), 11);
    assert.equal(module.call("within", 11), "refused");
  });
}

test("rewriteModule() counts in a function that has caught, and catches no call too many", async () => {
  for (const caught of [
    `(try (do (call $throws (i32.const 5))) (catch_all))`,
    `(block $h (try_table (catch_all $h) (call $throws (i32.const 5))))`,
  ]) {
    const module = await counted(
      `${THROWS}
      (func $f (export "run") (param $n i32) (result i32)
        ${caught}
        (if (result i32) (local.get $n)
          (then (call $f (i32.sub (local.get $n) (i32.const 1))))
          (else (i32.const 9))))`,
      30,
    );
    assert.equal(module.call("run", 25), 9);
    assert.equal(module.call("run", 26), "refused");
  }
});

test("rewriteModule() counts from nothing anew in what is called behind a catch", async () => {
  for (const caught of [
    `(try (do ${fifty()}) (catch_all))`,
    `(block $h (try_table (catch_all $h) ${fifty()}))`,
    `(local.set $again (i32.const 0))
    (loop $h (if (i32.eqz (local.get $again)) (then
      (local.set $again (i32.const 1)) (try_table (catch_all $h) ${fifty()}))))`,
  ]) {
    const module = await counted(
      `${THROWS} ${counting("$deep", "(call $deep N)")}
      (func (export "run") (result i32) (local $again i32)
        ${caught} (drop (call $deep (i32.const 50)))
        ${caught} (call $deep (i32.const 60)))`,
      60,
    );
    assert.equal(module.call("run"), 60);
  }
});

test("rewriteModule() leaves a refusal to be told from others once the code is optimized", async () => {
  const module = await counted(
    `${counting("$f", "(call $f N)")}
    (func (export "run") (param $times i32) (param $last i32) (result i32)
      (loop $more
        (drop (call $f (i32.const 50)))
        (br_if $more (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
      (call $f (local.get $last)))`,
    50,
  );
  assert.equal(module.call("run", 50_000, 50), 50);
  assert.equal(module.call("run", 50_000, 51), "refused");
});
