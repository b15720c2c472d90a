import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { typeMatches } from "../core/pattern.ts";
import { Routes } from "./routes.ts";

const type = fc.constantFrom("a", "a.b", "a.b.c", "b", "nexus.x", "nexus.x.y");
const pattern = fc.constantFrom("a", "a.*", "*", "*.b", "b", "nexus.*", "nexus.x");

test("Routes.of() names who takes the type, each once, whoever came and went before", () => {
  const step = fc.oneof(
    fc.record({ add: fc.nat({ max: 3 }), patterns: fc.uniqueArray(pattern, { minLength: 1 }) }),
    fc.record({ remove: fc.nat({ max: 3 }) }),
    fc.record({ ask: type }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const routes = new Routes<number>();
      const model = new Map<number, string[]>();
      for (const each of steps) {
        if ("add" in each && !model.has(each.add)) {
          routes.add(each.add, each.patterns);
          model.set(each.add, each.patterns);
        } else if ("remove" in each && model.has(each.remove)) {
          routes.remove(each.remove, model.get(each.remove)!);
          model.delete(each.remove);
        } else if ("ask" in each) {
          const wanted = [...model].filter(([, patterns]) =>
            patterns.some((one) => typeMatches(one, each.ask)),
          );
          assert.deepEqual(
            routes.of(each.ask).toSorted((a, b) => a - b),
            wanted.map(([subscriber]) => subscriber).toSorted((a, b) => a - b),
          );
        }
      }
    }),
  );
});

test("Routes.of() forgets types before they fill the memory", () => {
  const routes = new Routes<string>();
  routes.add("all", ["t*"]);
  for (let i = 0; i < 30_000; i += 1) assert.equal(routes.of(`t${i}`).length, 1);
});
