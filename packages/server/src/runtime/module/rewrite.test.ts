import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { wat } from "../../testing/modules.ts";
import { PAGE_BYTES } from "../journal.ts";
import {
  GROWN_EXPORT,
  MEMORY_IMPORT,
  PAGES_EXPORT,
  REFUSED_EXPORT,
  TABLE_REFUSED_EXPORT,
} from "../protocol.ts";
import { planModule } from "./check.ts";
import { rewriteModule, type Rewritten } from "./rewrite.ts";
import { readModule } from "./sections.ts";

interface Prepared {
  readonly rewritten: Rewritten;
  readonly original: Uint8Array<ArrayBuffer>;
  readonly plan: ReturnType<typeof planModule>;
}

async function prepare(text: string, limitPages = 100, tableElements = 50): Promise<Prepared> {
  const original = new Uint8Array(await wat(text));
  const shape = readModule(original);
  const limits = { memoryBytes: limitPages * PAGE_BYTES, tableElements };
  const plan = planModule(shape, limits);
  return { original, plan, rewritten: rewriteModule(shape, plan.memory, limits) };
}

/** A memory for the module that has these pages, whatever the module declares. */
function memoryOf({ plan }: Prepared, pages = plan.memory!.initialPages): WebAssembly.Memory {
  const { maximumPages, wide } = plan.memory!;
  return wide
    ? new WebAssembly.Memory({
        address: "i64",
        initial: BigInt(pages),
        maximum: BigInt(maximumPages),
      })
    : new WebAssembly.Memory({ initial: pages, maximum: maximumPages });
}

function instantiate(bytes: Uint8Array<ArrayBuffer>, memory?: WebAssembly.Memory) {
  const imports: WebAssembly.Imports =
    memory === undefined ? {} : { [MEMORY_IMPORT.module]: { [MEMORY_IMPORT.name]: memory } };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
  return {
    call: (name: string, ...args: unknown[]) =>
      (exports[name] as (...args: unknown[]) => unknown)(...args),
    global: (name: string) => (exports[name] as WebAssembly.Global).value,
    exports,
  };
}

const growing = (limits: string) => `(module (memory ${limits})
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size))
  (func (export "_start")))`;

test("rewriteModule() leaves a guest the sizes it would have had, whatever the memory that serves it", async () => {
  const delta = fc.oneof(
    fc.integer({ min: 0, max: 12 }),
    fc.constantFrom(-1, 65_535, 65_536, 2 ** 31 - 1, -(2 ** 31)),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        initial: fc.integer({ min: 0, max: 20 }),
        own: fc.option(fc.integer({ min: 0, max: 70 }), { nil: undefined }),
        limit: fc.integer({ min: 20, max: 150 }),
        reserved: fc.integer({ min: 0, max: 150 }),
        deltas: fc.array(delta, { maxLength: 12 }),
      }),
      async ({ initial, own, limit, reserved, deltas }) => {
        const declared = own === undefined ? undefined : initial + own;
        const module = await prepare(growing(`${initial} ${declared ?? ""}`), limit);
        const maximum = Math.min(declared ?? limit, limit);
        const reference = instantiate(
          (await prepare(growing(`${initial} ${maximum}`), limit)).original,
        );
        const real = Math.min(Math.max(initial, reserved), maximum);
        const guest = instantiate(module.rewritten.bytes, memoryOf(module, real));
        let refused = 0;
        for (const each of deltas) {
          const before = Number(guest.call("size"));
          const answer = guest.call("grow", each);
          assert.equal(answer, reference.call("grow", each));
          const wanted = before + (each >>> 0);
          if (answer === -1 && wanted <= (declared ?? 65_536)) refused = 1;
          assert.equal(guest.call("size"), reference.call("size"));
          assert.equal(guest.global(PAGES_EXPORT), guest.call("size"));
          assert.equal(guest.global(REFUSED_EXPORT), refused);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("rewriteModule() tells of the pages that the guest sees, and only once it has grown", async () => {
  const module = await prepare(growing("2"), 10);
  const guest = instantiate(module.rewritten.bytes, memoryOf(module, 6));
  const told: unknown[] = [];
  const listener = new Uint8Array(
    await wat(`(module (import "" "f" (func (param i32))) (export "f" (func 0)))`),
  );
  const imports = { "": { f: (pages: number) => told.push(pages) } };
  (guest.exports[GROWN_EXPORT] as WebAssembly.Global).value = new WebAssembly.Instance(
    new WebAssembly.Module(listener),
    imports,
  ).exports["f"];
  for (const delta of [0, 3, 100, 4, 2]) guest.call("grow", delta);
  assert.deepEqual(told, [2, 5, 9]);
});

test("rewriteModule() notes a growth that the machine refuses", async () => {
  const module = await prepare(growing("1"), 100);
  // A memory whose own maximum is lower stands for a machine that has no more.
  const poor = new WebAssembly.Memory({ initial: 2, maximum: 3 });
  const guest = instantiate(module.rewritten.bytes, poor);
  assert.equal(guest.call("grow", 2), 1);
  assert.equal(guest.global(REFUSED_EXPORT), 0);
  assert.equal(guest.call("grow", 1), -1);
  assert.equal(guest.call("size"), 3);
  assert.equal(guest.global(REFUSED_EXPORT), 1);
});

test("rewriteModule() leaves a module exact that never grows its memory", async () => {
  const module = await prepare(
    `(module (memory 1) (func (export "_start")) (func (export "size") (result i32) (memory.size)))`,
  );
  assert.equal(module.rewritten.watchesGrowth, false);
  const guest = instantiate(module.rewritten.bytes, memoryOf(module));
  assert.deepEqual(Object.keys(guest.exports), ["_start", "size"]);
  assert.equal(guest.call("size"), 1);
});

test("rewriteModule() gives a 64-bit memory a size of its own too", async () => {
  const module = await prepare(
    `(module (memory i64 1 50)
      (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
      (func (export "size") (result i64) (memory.size))
      (func (export "_start")))`,
    10,
  );
  assert.equal(module.plan.memory?.wide, true);
  const guest = instantiate(module.rewritten.bytes, memoryOf(module, 4));
  assert.deepEqual([guest.call("grow", 0n), guest.call("size")], [1n, 1n]);
  assert.deepEqual([guest.call("grow", 4n), guest.call("size")], [1n, 5n]);
  assert.equal(guest.call("grow", 2n ** 63n), -1n);
  assert.equal(guest.call("grow", 46n), -1n);
  assert.equal(guest.global(REFUSED_EXPORT), 0, "the module's own maximum refused these");
  assert.equal(guest.call("grow", 6n), -1n);
  assert.deepEqual([guest.global(REFUSED_EXPORT), guest.global(PAGES_EXPORT)], [1, 5]);
});

const TABLES = (first: string, second: string) => `(module
  (table $a ${first} funcref) (table $b ${second} externref) (elem declare func $f)
  (func $f)
  (func (export "a") (param i32) (result i32) (table.grow $a (ref.func $f) (local.get 0)))
  (func (export "b") (param i32) (result i32) (table.grow $b (ref.null extern) (local.get 0)))
  (func (export "size") (result i32) (i32.add (table.size $a) (table.size $b)))
  (func (export "filled") (result i32) (ref.is_null (table.get $a (i32.sub (table.size $a) (i32.const 1)))))
  (func (export "_start")))`;

test("rewriteModule() notes a table's growth that the limit refuses, and none that the module's own maximum does", async () => {
  const module = await prepare(TABLES("2", "0 3"), 100, 22);
  const guest = instantiate(module.rewritten.bytes);
  assert.equal(module.rewritten.watchesTables, true);
  assert.deepEqual([guest.call("a", 3), guest.call("filled")], [2, 0]);
  assert.deepEqual([guest.call("b", 3), guest.call("b", 1)], [0, -1]);
  assert.equal(guest.call("a", -1), -1);
  assert.equal(guest.global(TABLE_REFUSED_EXPORT), 0);
  assert.deepEqual([guest.call("a", 8), guest.call("size")], [-1, 8]);
  assert.equal(guest.global(TABLE_REFUSED_EXPORT), 1);
  assert.equal((await prepare(TABLES("0 5", "0 3"))).rewritten.watchesTables, false);
});

test("rewriteModule() refuses tables over the limit it is given", async () => {
  await assert.rejects(
    prepare(`(module (table 30 funcref) (table 21 funcref) (func (export "_start")))`),
    /its tables have 51 elements; 50 is the most/,
  );
});

test("rewriteModule() leaves custom sections to the host", async () => {
  const plain = await wat(`(module (func $named (export "_start")))`);
  const custom = (name: string, ...bytes: number[]) => {
    const content = [name.length, ...new TextEncoder().encode(name), ...bytes];
    return [0, content.length, ...content];
  };
  const shape = readModule(
    new Uint8Array([...plain, ...custom(".debug_line", 1, 2, 3), ...custom("producers")]),
  );
  assert.deepEqual(
    shape.customs.map(({ name }) => name),
    ["name", ".debug_line", "producers"],
  );
  const [, line] = shape.customs;
  assert.deepEqual([...shape.bytes.subarray(line!.start, line!.end)], [1, 2, 3]);
  const rewritten = rewriteModule(shape, null, { memoryBytes: 0 });
  assert.deepEqual(readModule(rewritten.bytes).customs, []);
});

/** Offsets of the frames of what `call` throws, the innermost first. */
function frameOffsets(call: () => unknown): number[] {
  try {
    call();
  } catch (error) {
    const stack = (error as Error).stack ?? "";
    return [...stack.matchAll(/wasm-function\[\d+\]:0x([0-9a-f]+)/g)].map(([, at]) =>
      Number.parseInt(at!, 16),
    );
  }
  return [];
}

test("inUsers() finds the user's offset of every frame of a trap", async () => {
  const module = await prepare(`(module (memory 1) (table $t 0 externref)
    (func $far (param i32)
      (drop (memory.grow (i32.const 1)))
      (i32.store (memory.size) (memory.size))
      (if (i32.eqz (local.get 0)) (then (unreachable)))
      (drop (table.grow $t (ref.null extern) (i32.const 1)))
      (call $plain (i32.sub (local.get 0) (i32.const 1))))
    (func $plain (param i32) (call $far (local.get 0)))
    (func (export "run") (param i32)
      (drop (i32.const 77)) (drop (memory.size)) (call $far (local.get 0)) (drop (memory.size)))
    (func (export "_start")))`);
  const guest = instantiate(module.rewritten.bytes, memoryOf(module, 2));
  const reference = instantiate(module.original);
  for (const depth of [0, 1, 3]) {
    const offsets = frameOffsets(() => guest.call("run", depth));
    const expected = frameOffsets(() => reference.call("run", depth));
    assert.equal(expected.length, 2 + 2 * depth);
    assert.notDeepEqual(offsets, expected);
    assert.deepEqual(
      offsets.map((offset) => module.rewritten.positions.inUsers(offset)),
      expected,
    );
  }
});

test("inUsers() tells the functions that were added from the user's", async () => {
  const module = await prepare(growing("1"));
  const rewritten = readModule(module.rewritten.bytes);
  const code = rewritten.sections.find(({ id }) => id === 10)!;
  assert.equal(module.rewritten.positions.inUsers(code.end - 1), undefined);
  assert.equal(module.rewritten.positions.inUsers(code.start - 3), undefined);
  assert.equal(module.rewritten.positions.inUsers(2 ** 31), undefined);
});

test("readModule() keeps nothing for a count that its section cannot hold", () => {
  const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  for (const id of [1, 2, 3, 4, 5, 6, 7]) {
    for (const count of [
      [0xff, 0xff, 0xff, 0xff, 0x0f],
      [0x90, 0x4e],
      [0xc0, 0x84, 0x3d],
    ]) {
      const section = [id, count.length + 1, ...count, 0x60];
      assert.throws(() => readModule(new Uint8Array([...header, ...section])), {
        code: "MODULE_INVALID",
      });
    }
  }
  assert.throws(
    () => readModule(new Uint8Array(100), 99),
    /it has 100 bytes, over the limit of 99/,
  );
});
