import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { changedPaths } from "./json-paths.ts";

function told(recorded: unknown, candidate: unknown, most?: number): readonly string[] {
  const options = most === undefined ? {} : { most };
  return changedPaths(recorded, candidate, options)
    .map(({ change, path }) => `${change} ${path}`)
    .sort();
}

test("changedPaths() names what was added, removed and changed, and says where a type is another", () => {
  assert.deepEqual(told({ a: 1, b: 2, c: "3" }, { a: 1, c: 3, d: null }), [
    "added $.d",
    "changed $.c (string → number)",
    "removed $.b",
  ]);
  assert.deepEqual(told({ a: { "odd key": [1] } }, { a: { "odd key": [2] } }), [
    'changed $.a["odd key"][*]',
  ]);
  assert.deepEqual(told([], {}), ["changed $ (array → object)"]);
});

test("changedPaths() gives one place for all items of an array, and for all keys that are ids", () => {
  const items = (price: number): unknown => ({ items: [{ price }, { price: price * 2 }] });
  assert.deepEqual(told(items(1), items(5)), ["changed $.items[*].price"]);
  assert.deepEqual(told({ "17": { n: 1 } }, { "17": { n: 2 } }), ["changed $.*.n"]);
});

test("changedPaths() takes an item put in or left out for that, not for a change of all that follow", () => {
  const item = (id: string): unknown => ({ id });
  assert.deepEqual(told([item("b"), item("c")], [item("a"), item("b"), item("c")]), ["added $[*]"]);
  assert.deepEqual(told([item("a"), item("b"), item("c")], [item("a"), item("c")]), [
    "removed $[*]",
  ]);
});

test("changedPaths() names the places around where too many places differ", () => {
  const wide = (value: number): unknown => ({
    a: Object.fromEntries("abcdefgh".split("").map((key) => [key, value])),
    b: 1,
  });
  assert.deepEqual(told(wide(1), wide(2), 4), ["changed $.a"]);
});

test("changedPaths() does not take for ever over values that are made for it", () => {
  // Whether its one item is the same is asked on each level anew.
  const nested = (last: number): unknown => {
    let value: unknown = [...Array<number>(20_000).fill(0), last];
    for (let level = 0; level < 250; level += 1) value = [value];
    return value;
  };
  assert.deepEqual(told(nested(1), nested(2)), ["changed $"]);
});

test("changedPaths() gives short paths of long keys", () => {
  const long = (value: number): unknown => ({ ["key ".repeat(10_000)]: { x: { y: value } } });
  const [path] = told(long(1), long(2));
  assert.ok(path!.length < 220 && path!.endsWith(".x.y"));
});

test("changedPaths() gives nothing for equal values, and something for all others", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      assert.deepEqual(changedPaths(one, structuredClone(one)), []);
      const same = stable(one) === stable(other);
      assert.equal(changedPaths(one, other).length === 0, same);
    }),
  );
});

// JSON with its keys in order: equal where the values are.
function stable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
