import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { typeMatches } from "../../../core/pattern.ts";
import { covers, token, typeFilter, typeTokens, withoutCovered } from "./subjects.ts";

const part = fc.oneof(
  fc.constantFrom("com", "example", "a b", "", "x>y", "käse", "%41", "~t", "!a", "🧀"),
  fc.string({ maxLength: 60 }),
);
const type = fc
  .array(part, { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join("."))
  .filter((text) => text !== "" && !text.includes("*"));

test("typeTokens() gives every type a subject of its own that NATS takes", () => {
  fc.assert(
    fc.property(type, type, (one, other) => {
      assert.match(typeTokens(one), /^[!-~]+$/);
      assert.doesNotMatch(typeTokens(one), /[*>]|^\.|\.\.|\.$/);
      assert.ok(typeTokens(one).length <= 210);
      assert.equal(typeTokens(one) === typeTokens(other), one === other);
    }),
  );
});

test("typeFilter() takes every type that the pattern takes", () => {
  fc.assert(
    fc.property(type, fc.nat(), fc.nat(), (text, from, to) => {
      const characters = Array.from(text);
      const [start, end] = [from, to].map((at) => at % characters.length).sort((a, b) => a - b) as [
        number,
        number,
      ];
      const pattern = [...characters.slice(0, start), "*", ...characters.slice(end + 1)].join("");
      if (!typeMatches(pattern, text)) return; // the platform's own
      assert.ok(covers(typeFilter(pattern), typeTokens(text)), `${pattern} ${text}`);
    }),
  );
});

test("typeFilter() of a type without a star is that type's subject", () => {
  fc.assert(fc.property(type, (text) => assert.equal(typeFilter(text), typeTokens(text))));
});

test("token() keeps plain names, and gives everything else one token", () => {
  assert.equal(token("order-7_A"), "order-7_A");
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      assert.match(token(one), /^[A-Za-z0-9_~-]{1,64}$/);
      assert.equal(token(one) === token(other), one === other);
    }),
  );
});

test("withoutCovered() leaves filters of which none takes what another does", () => {
  assert.deepEqual(withoutCovered(["a.>", "a.b", "a.b.c", "b", "b", "a.*"]), ["a.>", "b"]);
  assert.deepEqual(withoutCovered([">", "a"]), [">"]);
});
