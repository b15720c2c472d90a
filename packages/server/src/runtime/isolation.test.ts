import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TEST_LIMITS } from "../testing/limits.ts";
import { wat } from "../testing/modules.ts";
import { threadRuntime } from "./host/thread-runtime.ts";
import type { Outcome, Runtime } from "./runtime.ts";

const LIMITS = {
  ...TEST_LIMITS,
  timeoutMs: 5_000,
  memoryBytes: 8 * 65_536,
  outputBytes: 65_536,
  logBytes: 1_024,
  logLines: 10,
  emits: 2,
};

/** Where recursive calls have a limit, it is this; action 13 makes just as many, action 10 more. */
const STACK_CALLS = 20;

// Writes all that an instance can see of itself to stdout (a sum over every byte of its memory, the
// memory's size, a global, the table's size and whether a segment is still there), and then does
// what its input says: one byte an action.
interface Shape {
  readonly pages: number;
  readonly table: number;
  readonly global: number;
  readonly bss: boolean;
  readonly counted: boolean;
}

const probe = ({ pages, table, global, bss }: Shape) => `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "nexus" "emit" (func $emit (param i32 i32) (result i32)))
  (memory (export "memory") ${pages})
  (table $table ${table} 10 funcref)
  (global $global (mut i32) (i32.const ${global}))
  ${bss ? "" : `(data (i32.const 9000) "placed at instantiation")`}
  (data $passive "kept until dropped")
  (func $sum (result i32) (local $at i32) (local $sum i32)
    (loop $more
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load (local.get $at))))
      (br_if $more (i32.lt_u
        (local.tee $at (i32.add (local.get $at) (i32.const 4)))
        (i32.mul (memory.size) (i32.const 65536)))))
    (local.get $sum))
  (func $act (param $action i32)
    (if (i32.eq (local.get $action) (i32.const 1)) (then (drop (memory.grow (i32.const 1)))))
    (if (i32.eq (local.get $action) (i32.const 2)) (then
      (memory.fill (i32.const 3000) (i32.const 0xab) (i32.const ${pages * 65_536 - 3_100}))))
    (if (i32.eq (local.get $action) (i32.const 3)) (then (global.set $global (i32.const 99))))
    (if (i32.eq (local.get $action) (i32.const 4)) (then
      (drop (table.grow $table (ref.func $act) (i32.const 1)))))
    (if (i32.eq (local.get $action) (i32.const 5)) (then (data.drop $passive)))
    (if (i32.eq (local.get $action) (i32.const 6)) (then (unreachable)))
    (if (i32.eq (local.get $action) (i32.const 7)) (then (call $exit (i32.const 9))))
    (if (i32.eq (local.get $action) (i32.const 8)) (then (drop (call $close (i32.const 0)))))
    (if (i32.eq (local.get $action) (i32.const 9)) (then (drop (call $emit (i32.const 0) (i32.const 4)))))
    (if (i32.eq (local.get $action) (i32.const 10)) (then (call $act (local.get $action))))
    (if (i32.eq (local.get $action) (i32.const 11)) (then (drop (memory.grow (i32.const 100)))))
    (if (i32.eq (local.get $action) (i32.const 12)) (then
      (i32.store8 (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)) (i32.const 1))))
    (if (i32.eq (local.get $action) (i32.const 13)) (then (call $deep (i32.const ${STACK_CALLS})))))
  (func $deep (param $left i32)
    (if (local.get $left) (then (call $deep (i32.sub (local.get $left) (i32.const 1))))))
  (elem declare func $act)
  (func (export "_start") (local $at i32) (local $end i32)
    (i32.store (i32.const 1000) (call $sum))
    (i32.store (i32.const 1004) (memory.size))
    (i32.store (i32.const 1008) (global.get $global))
    (i32.store (i32.const 1012) (table.size $table))
    (i32.store (i32.const 16) (i32.const 1000))
    (i32.store (i32.const 20) (i32.const 16))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))
    (i32.store (i32.const 16) (i32.const 2000))
    (i32.store (i32.const 20) (i32.const 64))
    (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
    (memory.init $passive (i32.const 100) (i32.const 0) (i32.const 18))
    (local.set $at (i32.const 2000))
    (local.set $end (i32.add (i32.const 2000) (i32.load (i32.const 24))))
    (block $done (loop $more
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (call $act (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $more)))))`;

function run(runtime: Runtime, version: string, actions: readonly number[]): Promise<Outcome> {
  const stdin = new Uint8Array(actions);
  return runtime.invoke({ version, function: version, stdin, env: {} });
}

function seen(outcome: Outcome): unknown {
  const { status, exitCode, output, emitted, memoryPeakBytes, limits } = outcome;
  return {
    status,
    limits,
    exitCode,
    output: [...output],
    emitted: emitted.map((e) => [...e]),
    memoryPeakBytes,
  };
}

const SHAPES = fc.record({
  pages: fc.integer({ min: 1, max: 5 }),
  table: fc.integer({ min: 0, max: 9 }),
  global: fc.integer({ min: -5, max: 1_000 }),
  bss: fc.boolean(),
  counted: fc.boolean(),
});
const ACTIONS = fc.array(fc.integer({ min: 0, max: 13 }), { maxLength: 6 });
/** Long enough for what is learnt of a version's growth to change the memory it is given. */
const SEQUENCES = fc.array(ACTIONS, { minLength: 2, maxLength: 12 });

test("invoke() gives an instance that cannot be told from a brand-new one, whatever ran before", async () => {
  const recycled = threadRuntime({ workers: 1, maxWorkers: 1 });
  const fresh = threadRuntime({ workers: 1, maxWorkers: 1 });
  let loaded = 0;
  try {
    await fc.assert(
      fc.asyncProperty(SHAPES, SEQUENCES, async (shape, sequence) => {
        loaded += 1;
        const version = `probe ${loaded}`;
        const limits = shape.counted ? { ...LIMITS, stackCalls: STACK_CALLS } : LIMITS;
        const module = { version, bytes: await wat(probe(shape)), limits };
        await recycled.load(module);
        for (const actions of sequence) {
          // The same run where nothing ran before: no memory, no instance is left of anything.
          await fresh.load({ ...module, warmUp: false });
          const alone = await run(fresh, version, actions);
          assert.equal(alone.cold, true);
          fresh.unload(version);
          assert.deepEqual(seen(await run(recycled, version, actions)), seen(alone));
        }
        recycled.unload(version);
      }),
      { numRuns: 80 },
    );
  } finally {
    await Promise.all([recycled.close(), fresh.close()]);
  }
});
