import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { tableLines } from "./table.ts";
import { fitEnd, fitMiddle, visible, widthOf } from "./text.ts";

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
  assert.deepEqual(lines(30), [
    "ID                NAME       N",
    "0192aaaa…fff0000  a          5",
    "0192aaaa…fff0001  longer  1234",
  ]);
});
