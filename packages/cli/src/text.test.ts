import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { tableLines } from "./table.ts";
import { fitEnd, fitMiddle, visible, widthOf, wrapped } from "./text.ts";

const anyText = fc.oneof(fc.string({ unit: "grapheme" }), fc.string());

test("widthOf() counts columns: none for colour, two for wide characters, one for a combined one", () => {
  assert.equal(widthOf("abc"), 3);
  assert.equal(widthOf("\u001b[31mabc\u001b[39m"), 3);
  assert.equal(widthOf("日本"), 4);
  assert.equal(widthOf("e\u0301"), 1);
  assert.equal(widthOf("👩‍👩‍👧"), 2);
});

test("fitEnd() and fitMiddle() never give more columns than asked for", () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 40 }), (text, width) => {
      const plain = visible(text);
      assert.ok(widthOf(fitEnd(plain, width)) <= width);
      assert.ok(widthOf(fitMiddle(plain, width)) <= width);
    }),
  );
  assert.equal(fitEnd("abcdefgh", 5), "abcd…");
  assert.equal(fitMiddle("abcdefgh", 5), "ab…gh");
});

test("visible() leaves nothing that steers a terminal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.doesNotMatch(visible(text), /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
  assert.equal(visible("a\u001b[2Jb\n"), "a\\u001b[2Jb\\n");
  assert.equal(visible("a\nb\tc\u0007", true), "a\nb\tc\\u0007");
});

test("tableLines() aligns columns, and lets those that may shrink give way to the terminal's width", () => {
  const rows = [
    { id: "0192aaaa-bbbb-cccc-dddd-eeeeffff0000", name: "a", n: 5 },
    { id: "0192aaaa-bbbb-cccc-dddd-eeeeffff0001", name: "longer", n: 1234 },
  ];
  const lines = (width: number): readonly string[] =>
    tableLines<(typeof rows)[number]>(
      [
        { title: "ID", text: ({ id }) => id, shrink: "middle" },
        { title: "NAME", text: ({ name }) => name },
        { title: "N", text: ({ n }) => String(n), align: "right" },
      ],
      rows,
      { width, paintTitle: (text) => text },
    );
  assert.deepEqual(lines(Infinity), [
    "ID                                    NAME       N",
    "0192aaaa-bbbb-cccc-dddd-eeeeffff0000  a          5",
    "0192aaaa-bbbb-cccc-dddd-eeeeffff0001  longer  1234",
  ]);
  assert.deepEqual(lines(32), [
    "ID                  NAME       N",
    "0192aaaa-…ffff0000  a          5",
    "0192aaaa-…ffff0001  longer  1234",
  ]);
});

test("tableLines() leaves columns out, in their order, where shrinking is not enough", () => {
  const rows = [{ id: "0192aaaa-bbbb-cccc", type: "com.example.order.placed", n: 5 }];
  const lines = (width: number): readonly string[] =>
    tableLines<(typeof rows)[number]>(
      [
        { title: "ID", text: ({ id }) => id },
        { title: "TYPE", text: ({ type }) => type, shrink: "middle", least: 14, dropOrder: 2 },
        { title: "N", text: ({ n }) => String(n), dropOrder: 1 },
      ],
      rows,
      { width, paintTitle: (text) => text },
    );
  assert.equal(lines(47)[1], "0192aaaa-bbbb-cccc  com.example.order.placed  5");
  assert.equal(lines(37)[1], "0192aaaa-bbbb-cccc  com.exa…placed  5");
  assert.equal(lines(36)[1], "0192aaaa-bbbb-cccc  com.exam….placed");
  assert.equal(lines(33)[1], "0192aaaa-bbbb-cccc");
  assert.equal(lines(5)[1], "0192aaaa-bbbb-cccc", "what may not give way is never cut");
});

test("wrapped() keeps every word whole and in order, within the width where words allow it", () => {
  assert.deepEqual(wrapped("a  bc def", 5), ["a  bc", "def"]);
  assert.deepEqual(wrapped("", 5), []);
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,12}$/)), (words) => {
      const lines = wrapped(words.join(" "), 8);
      assert.deepEqual(lines.join(" "), words.join(" "));
      for (const line of lines) assert.ok(line.length <= 8 || !line.includes(" "), line);
    }),
  );
});
