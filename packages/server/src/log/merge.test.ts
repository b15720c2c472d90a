import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergeRuns } from "./merge.ts";

test("mergeRuns() followed to the end gives every value once, in order, whatever the step", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uniqueArray(fc.nat({ max: 60 })), { maxLength: 5 }),
      fc.integer({ min: 1, max: 7 }),
      fc.boolean(),
      (streams, limit, descending) => {
        const compare = (a: number, b: number): number => (descending ? b - a : a - b);
        const sorted = streams.map((stream) => stream.toSorted(compare));
        const got: number[] = [];
        for (;;) {
          const last = got.at(-1);
          const runs = sorted.map((stream) => {
            const rest = stream.filter((value) => last === undefined || compare(last, value) < 0);
            const values = rest.slice(0, limit);
            return { values, full: values.length === limit };
          });
          const { values, full } = mergeRuns(runs, descending);
          got.push(...values);
          if (!full) break;
          assert.ok(values.length > 0);
        }
        assert.deepEqual(got, [...new Set(streams.flat())].toSorted(compare));
      },
    ),
  );
});
