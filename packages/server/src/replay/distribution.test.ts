import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Distribution } from "./distribution.ts";

test("quantiles() are values that were added, at most a tenth above the exact ones", () => {
  const values = fc.array(fc.double({ min: 0.001, max: 1e12, noNaN: true }), { minLength: 1 });
  fc.assert(
    fc.property(values, (added) => {
      const distribution = new Distribution();
      for (const value of added) distribution.add(value);
      const sorted = added.toSorted((one, other) => one - other);
      const { p50, p95, max } = distribution.quantiles();
      assert.equal(max, sorted.at(-1));
      for (const [share, got] of [
        [0.5, p50],
        [0.95, p95],
      ] as const) {
        const exact = sorted[Math.ceil(sorted.length * share) - 1]!;
        assert.ok(added.includes(got!));
        assert.ok(got! >= exact && got! <= exact * 1.1001, `${got} for ${exact}`);
      }
    }),
  );
});
