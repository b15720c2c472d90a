import assert from "node:assert/strict";
import { test } from "node:test";
import { GuestMemory } from "./guest-memory.ts";

type Access = (memory: GuestMemory) => unknown;

const ACCESSES: Readonly<Record<string, Access>> = {
  slice: (memory) => memory.slice(8, 4).length,
  u8: (memory) => memory.u8(8),
  u16: (memory) => memory.u16(8),
  u32: (memory) => memory.u32(8),
  u64: (memory) => memory.u64(8),
  setU8: (memory) => memory.setU8(8, 1),
  setU16: (memory) => memory.setU16(8, 1),
  setU32: (memory) => memory.setU32(8, 1),
  setU64: (memory) => memory.setU64(8, 1n),
};

for (const [name, access] of Object.entries(ACCESSES)) {
  test(`${name}() is the first to look at a memory that has grown`, () => {
    const real = new WebAssembly.Memory({ initial: 1 });
    const memory = new GuestMemory();
    memory.attach(real);
    access(memory);
    real.grow(1);
    assert.doesNotThrow(() => access(memory));
  });
}

test("slice() ends where the guest's own memory does, not where the real one does", () => {
  const memory = new GuestMemory();
  memory.attach(new WebAssembly.Memory({ initial: 3 }));
  memory.willBeTold(65_536);
  assert.equal(memory.slice(65_532, 4).length, 4);
  assert.throws(() => memory.slice(65_532, 5), { errno: 21 });
  memory.grown(131_072);
  assert.equal(memory.slice(65_532, 5).length, 5);
  assert.throws(() => memory.u8(131_072), { errno: 21 });
});
