import assert from "node:assert/strict";
import { test } from "node:test";
import { idempotencyKey, sha256, uuidv7 } from "./ids.ts";

const UUIDV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("uuidv7() is a UUID of version 7 with the time in front", () => {
  const now = 2 ** 44;
  const id = uuidv7(now);
  assert.match(id, UUIDV7);
  assert.equal(parseInt(id.replaceAll("-", "").slice(0, 12), 16), now);
});

test("uuidv7() sorts in the order of the calls, within a millisecond and when the clock goes back", () => {
  const now = 2 ** 44 + 1000;
  const ids = Array.from({ length: 20_000 }, () => uuidv7(now));
  ids.push(uuidv7(now - 500), uuidv7(now + 1), uuidv7(now + 1000));
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(new Set(ids).size, ids.length);
});

test("uuidv7() takes a time with a fraction", () => {
  assert.match(uuidv7(2 ** 44 + 5000.75), UUIDV7);
});

test("idempotencyKey() is the same for one event and function, and another for all else", () => {
  const keys = [
    idempotencyKey("f", "/s", "1"),
    idempotencyKey("g", "/s", "1"),
    idempotencyKey("f", "/s", "2"),
    idempotencyKey("f", "/s1", ""),
  ];
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(idempotencyKey("f", "/s", "1"), keys[0]);
  assert.match(keys[0]!, /^[0-9a-f]{32}$/);
});

test("sha256() is the digest in lower-case hexadecimal, of a text as UTF-8", () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(sha256("abc"), abc);
  assert.equal(sha256(new Uint8Array([0x61, 0x62, 0x63])), abc);
});
