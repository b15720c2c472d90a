import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SlotMap } from "./slot-map.ts";

test("SlotMap is a Map, whatever comes and goes", () => {
  const step = fc.record({ key: fc.nat(20), value: fc.option(fc.string()) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const map = new Map<number, string>();
      const slots = new SlotMap<string>();
      for (const { key, value } of steps) {
        if (value === null) {
          map.delete(key);
          slots.delete(key);
        } else {
          map.set(key, value);
          slots.set(key, value);
        }
        assert.equal(slots.get(key), map.get(key));
        assert.equal(slots.has(key), map.has(key));
      }
      assert.equal(slots.size, map.size);
      assert.deepEqual([...slots.entries()], [...map]);
      assert.deepEqual([...slots.keys()], [...map.keys()]);
    }),
  );
});
