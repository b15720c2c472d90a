import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDuration, parseSize } from "./quantity.ts";

test("parseDuration() reads amounts with units, one after the other", () => {
  const cases = { "500ms": 500, "5s": 5000, "1m30s": 90_000, "24h": 86_400_000, "7d": 604_800_000 };
  for (const [text, ms] of Object.entries(cases)) assert.equal(parseDuration(text), ms);
  assert.equal(parseDuration("1.5s"), 1500);
  assert.equal(parseDuration("0s"), 0);
});

test("parseDuration() knows what is no duration", () => {
  for (const text of ["", "5", "s", "5 s", "-5s", "5S", "5s ", "1e3s", ".5s", "5parsecs", "5s\n"]) {
    assert.equal(parseDuration(text), undefined, text);
  }
  assert.equal(parseDuration(`${"9".repeat(400)}d`), undefined);
});

test("parseSize() reads bytes, binary and decimal units", () => {
  const cases = { "65536": 65_536, "64Ki": 65_536, "128Mi": 134_217_728, "1G": 1e9, "1.5Ki": 1536 };
  for (const [text, bytes] of Object.entries(cases)) assert.equal(parseSize(text), bytes);
  for (const text of ["", "Mi", "1 Mi", "-1", "1mi", "1K", "1Mi\n", "9".repeat(30)]) {
    assert.equal(parseSize(text), undefined, text);
  }
});

test("parseDuration() and parseSize() give a whole number or undefined for any text", () => {
  const text = fc.string({ unit: fc.constantFrom(..."0129.msmhdKiMGTB ".split("")) });
  fc.assert(
    fc.property(text, (text) => {
      for (const value of [parseDuration(text), parseSize(text)]) {
        assert.ok(value === undefined || (Number.isSafeInteger(value) && value >= 0));
      }
    }),
  );
});
