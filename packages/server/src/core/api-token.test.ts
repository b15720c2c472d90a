import assert from "node:assert/strict";
import { test } from "node:test";
import { newToken, readTokens } from "./api-token.ts";

const TOKEN = "0123456789abcdef";

test("readTokens() takes one token or several, each with its scope or as admin", () => {
  assert.deepEqual(readTokens(TOKEN), [{ scope: "admin", token: TOKEN }]);
  assert.deepEqual(readTokens(`${TOKEN}\n`), [{ scope: "admin", token: TOKEN }]);
  assert.deepEqual(readTokens(`read:${TOKEN},publish:${TOKEN}==\r\nadmin:${TOKEN}+/ `), [
    { scope: "read", token: TOKEN },
    { scope: "publish", token: `${TOKEN}==` },
    { scope: "admin", token: `${TOKEN}+/` },
  ]);
  const fresh = newToken();
  assert.deepEqual(readTokens(fresh), [{ scope: "admin", token: fresh }]);
  assert.notEqual(newToken(), fresh);
});

test("readTokens() says which token breaks which rule, and never shows it", () => {
  for (const [text, rule] of [
    ["", /holds no token/],
    [" \n,", /holds no token/],
    ["s3cret", /token 1 must have 16 to 1024 characters/],
    ["x".repeat(1025), /must have/],
    [`read:${TOKEN} write:${TOKEN}`, /token 2 has a scope that is none of read, publish, admin/],
    [`:${TOKEN}`, /scope/],
    [`Read:${TOKEN}`, /scope/],
    ["read:", /must have/],
    [`read:admin:${TOKEN}`, /must be letters/],
    [`${TOKEN}=x`, /must be letters/],
    [`${TOKEN}é`, /must be letters/],
  ] as const) {
    const fault = readTokens(text);
    assert.ok(typeof fault === "string", text);
    assert.match(fault, rule);
    assert.doesNotMatch(fault, /s3cret|0123|xxx/);
  }
});
