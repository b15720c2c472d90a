// Debug information is the module author's to write: whatever it holds, frames are told, and soon.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fixture } from "../../testing/modules.ts";
import { randomNumbers } from "../../testing/random.ts";
import { planModule } from "../module/check.ts";
import { rewriteModule } from "../module/rewrite.ts";
import { readModule, type ModuleShape } from "../module/sections.ts";
import { keepSymbols, type Symbols } from "./symbols.ts";

const LIMITS = { memoryBytes: 2 ** 24 };

/** The module's symbols with these in place of its own custom sections. */
function symbolsWith(
  shape: ModuleShape,
  customs: ReadonlyMap<string, Uint8Array>,
  sourceMap?: Uint8Array,
): Promise<Symbols> {
  const { positions } = rewriteModule(shape, planModule(shape, LIMITS).memory, LIMITS);
  const parts = [...customs];
  const bytes = new Uint8Array(parts.reduce((sum, [, part]) => sum + part.length, 0));
  let at = 0;
  const placed = parts.map(([name, part]) => {
    bytes.set(part, at);
    at += part.length;
    return { name, start: at - part.length, end: at };
  });
  return keepSymbols({ ...shape, bytes, customs: placed }, positions, sourceMap);
}

function customsOf({ bytes, customs }: ModuleShape): Map<string, Uint8Array> {
  return new Map(customs.map(({ name, start, end }) => [name, bytes.slice(start, end)]));
}

function assertReadable(symbols: Symbols, shape: ModuleShape): void {
  const raw = Array.from({ length: 64 }, (_, count) => ({
    index: count % (shape.functions.length + 2),
    offset: Math.floor((count * shape.bytes.length) / 64),
  }));
  for (const frame of symbols.frames(raw)) {
    assert.ok(frame.function.length > 0 && frame.function.length <= 200);
    assert.ok(Number.isInteger(frame.offset) && Number.isInteger(frame.index));
    if (frame.file === undefined) continue;
    assert.ok(frame.file.length <= 301);
    assert.ok(Number.isInteger(frame.line) && frame.line! >= 0);
  }
}

/** Some bytes of it changed, cut off or repeated. */
function spoiled(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const spoiled = bytes.slice(random(4) === 0 ? random(bytes.length + 1) : 0);
  for (let left = random(8); left > 0 && spoiled.length > 0; left -= 1) {
    const at = random(spoiled.length);
    spoiled[at] = [0, 0x7f, 0x80, 0xff, random(256)][random(5)]!;
    if (random(3) === 0) spoiled.copyWithin(at, random(spoiled.length));
  }
  return spoiled;
}

test("frames() tells frames whatever the debug sections hold", async () => {
  const seed = 7;
  const random = randomNumbers(seed);
  for (const version of [2, 3, 4, 5]) {
    const shape = readModule(await fixture(`traps/divide-${version}`));
    const original = customsOf(shape);
    for (let count = 0; count < 500; count += 1) {
      const customs = new Map([...original].map(([name, part]) => [name, spoiled(part, random)]));
      try {
        assertReadable(await symbolsWith(shape, customs), shape);
      } catch (error) {
        throw new Error(`with seed ${seed}, mutant ${count} of version ${version}`, {
          cause: error,
        });
      }
    }
  }
});

test("frames() tells frames whatever the source map holds", async () => {
  const random = randomNumbers(8);
  const shape = readModule(await fixture("traps/order"));
  const url = new URL("../../../fixtures/traps/order.wasm.map", import.meta.url);
  const map = new Uint8Array(await readFile(url)).subarray(0, 400);
  const end = new TextEncoder().encode(`"}`);
  for (let count = 0; count < 1_000; count += 1) {
    const bytes = new Uint8Array([...spoiled(map, random), ...end]);
    assertReadable(await symbolsWith(shape, customsOf(shape), bytes), shape);
  }
});

const NUMBER_WITHOUT_END = new Uint8Array(100_000).fill(0xff);
const u32 = (value: number) => [...new Uint8Array(new Uint32Array([value]).buffer)];

/** A unit of version 5 whose tables are these bytes. */
const unit = (...tables: number[]) => {
  const header = [1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, ...tables];
  const rows = [0, 5, 2, ...u32(2), 3, 20, 1, 2, 0x80, 0x10, 0, 1, 1];
  const rest = [5, 0, 4, 0, ...u32(header.length), ...header, ...rows];
  return new Uint8Array([...u32(rest.length), ...rest]);
};

const HOSTILE: readonly (readonly [name: string, section: string, bytes: Uint8Array])[] = [
  ["a number without end", ".debug_line", NUMBER_WITHOUT_END],
  ["a number without end", "name", new Uint8Array([1, ...NUMBER_WITHOUT_END])],
  ["four billion names", "name", new Uint8Array([1, 8, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1, 97])],
  [
    "a function number of four billion",
    "name",
    new Uint8Array([1, 8, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 97]),
  ],
  ["four billion entries of nothing", ".debug_line", unit(0, 0xff, 0xff, 0xff, 0xff, 0x0f)],
  [
    "four billion directories",
    ".debug_line",
    unit(1, 1, 0x0f, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0),
  ],
  ["a block of more than there is", ".debug_line", unit(1, 1, 0x09, 1, 0xff, 0xff, 0xff, 0x0f)],
  [
    "millions of rows",
    ".debug_line",
    (() => {
      const rows = new Uint8Array(3_000_000).fill(0xff);
      const start = unit(0, 0, 0, 0).slice(0, -3);
      const all = new Uint8Array([...start, ...rows, 0, 1, 1]);
      new DataView(all.buffer).setUint32(0, all.length - 4, true);
      return all;
    })(),
  ],
];

for (const [name, section, bytes] of HOSTILE) {
  test(`frames() tells frames beside ${name} in ${section}`, async () => {
    const shape = readModule(await fixture("traps/divide-5"));
    const customs = customsOf(shape).set(section, bytes);
    assertReadable(await symbolsWith(shape, customs), shape);
  });
}
