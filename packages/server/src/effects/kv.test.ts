import assert from "node:assert/strict";
import { test } from "node:test";
import { NexusError } from "../core/errors.ts";
import { memoryState } from "../log/drivers/memory-state.ts";
import { MOST_VALUE_BYTES, type StateStore } from "../log/state.ts";
import type { HostCallName } from "../runtime/host-calls.ts";
import { answerKv } from "./kv.ts";

interface Kv {
  get(key: string | Uint8Array): Promise<Told>;
  set(key: string, value: string, expect?: bigint, ttlMs?: bigint): Promise<Told>;
  delete(key: string, expect?: bigint): Promise<Told>;
  list(prefix: string, after: string, limit: number): Promise<Told>;
}

interface Told {
  readonly errno: number;
  readonly payload: Buffer;
  readonly text: string;
}

function kv(state: StateStore, name = "f", now: () => number = Date.now): Kv {
  const ask = async (
    call: HostCallName,
    ...parts: readonly (string | Uint8Array)[]
  ): Promise<Told> => {
    const bytes = parts.map((part) => Buffer.from(part as string));
    const options = { state, function: name, now };
    const { errno, payload } = await answerKv({ name: call, parts: bytes }, options);
    return { errno, payload: Buffer.from(payload), text: Buffer.from(payload).toString() };
  };
  const number = (value: bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  };
  return {
    get: (key) => ask("kv_get", key),
    set: (key, value, expect = -1n, ttlMs = 0n) =>
      ask("kv_set", key, value, number(expect), number(ttlMs)),
    delete: (key, expect = -1n) => ask("kv_delete", key, number(expect)),
    list(prefix, after, limit) {
      const most = Buffer.alloc(4);
      most.writeUInt32LE(limit);
      return ask("kv_list", prefix, after, most);
    },
  };
}

const revisionOf = ({ payload }: Told): bigint => payload.readBigUInt64LE(0);

test("answerKv() keeps a value and gives it with the revision that it was kept under", async () => {
  const f = kv(memoryState());
  const kept = await f.set("a", "one");
  assert.equal(kept.errno, 0);
  const got = await f.get("a");
  assert.equal(got.errno, 0);
  assert.equal(revisionOf(got), revisionOf(kept));
  assert.equal(got.text.slice(8), "one");
  assert.deepEqual((await f.get("b")).errno, 44);
});

test("answerKv() keeps the entries of each function apart", async () => {
  const state = memoryState();
  await kv(state, "f").set("a", "of f");
  assert.equal((await kv(state, "g").get("a")).errno, 44);
  assert.equal((await kv(state, "g").list("", "", 10)).payload.readUInt32LE(4), 0);
});

test("answerKv() changes nothing that is not as expected", async () => {
  const f = kv(memoryState());
  assert.equal((await f.set("a", "one", 1n)).errno, 72);
  const first = revisionOf(await f.set("a", "one", 0n));
  assert.equal((await f.set("a", "two", 0n)).errno, 72);
  const second = revisionOf(await f.set("a", "two", first));
  assert.equal((await f.set("a", "three", first)).errno, 72);
  assert.equal((await f.delete("a", first)).errno, 72);
  assert.equal((await f.delete("a", second)).errno, 0);
  assert.equal((await f.delete("a", second)).errno, 72);
  assert.equal((await f.delete("a")).errno, 44);
});

test("answerKv() lets an entry go when its time has come", async () => {
  let clock = 1_000_000;
  const now = () => clock;
  const f = kv(memoryState(now), "f", now);
  await f.set("a", "one", -1n, 500n);
  clock += 499;
  assert.equal((await f.get("a")).errno, 0);
  clock += 1;
  assert.equal((await f.get("a")).errno, 44);
  await f.set("a", "one", -1n, 500n);
  await f.set("a", "two");
  clock += 1_000;
  assert.equal((await f.get("a")).text.slice(8), "two");
});

interface Page {
  readonly more: boolean;
  readonly keys: readonly string[];
}

function pageOf({ payload }: Told): Page {
  const keys: string[] = [];
  let at = 8;
  for (let left = payload.readUInt32LE(4); left > 0; left -= 1) {
    const [key, value] = [payload.readUInt32LE(at), payload.readUInt32LE(at + 4)];
    keys.push(payload.subarray(at + 16, at + 16 + key).toString());
    at += 16 + key + value;
  }
  assert.equal(at, payload.length);
  return { more: payload.readUInt32LE(0) === 1, keys };
}

test("answerKv() lists page by page, and ends a page early where its values are large", async () => {
  const f = kv(memoryState());
  for (const key of ["b", "a/1", "a/2", "a/3", "c"]) await f.set(key, key);
  assert.deepEqual(pageOf(await f.list("", "", 10)), {
    more: false,
    keys: ["a/1", "a/2", "a/3", "b", "c"],
  });
  assert.deepEqual(pageOf(await f.list("a/", "", 2)), { more: true, keys: ["a/1", "a/2"] });
  assert.deepEqual(pageOf(await f.list("a/", "a/2", 2)), { more: false, keys: ["a/3"] });
  for (let n = 0; n < 5; n += 1) await f.set(`large/${n}`, "x".repeat(400_000));
  const first = await f.list("large/", "", 10);
  assert.deepEqual(pageOf(first), { more: true, keys: ["large/0", "large/1"] });
  assert.ok(first.payload.length < 1024 * 1024);
  assert.equal(pageOf(await f.list("large/", "large/3", 10)).more, false);
});

test("answerKv() refuses what cannot be meant, and says why", async () => {
  const f = kv(memoryState());
  for (const told of [
    await f.get(""),
    await f.get("x".repeat(513)),
    await f.get(Uint8Array.of(0x61, 0xff)),
    await f.get(Uint8Array.of(0xed, 0xa0, 0x80)),
    await f.set("a", "1", -2n),
    await f.set("a", "1", 2n ** 60n),
    await f.set("a", "1", -1n, -1n),
    await f.delete("a", 0n),
    await f.list("", "", 0),
    await f.list("", "", 1_001),
    await f.list("x".repeat(513), "", 1),
  ]) {
    assert.equal(told.errno, 28, told.text);
    assert.notEqual(told.text, "");
  }
  const large = await f.set("a", "x".repeat(MOST_VALUE_BYTES + 1));
  assert.equal(large.errno, 22);
  assert.match(large.text, /at most 524288 are kept/);
});

test("answerKv() says io where the store cannot be had, and does not hide a bug", async () => {
  const away: StateStore = {
    ...memoryState(),
    get: () =>
      Promise.reject(new NexusError("LOG_UNAVAILABLE", "Cannot reach the store: it is away")),
    list: () => Promise.reject(new TypeError("a bug")),
  };
  const f = kv(away);
  assert.deepEqual(await f.get("a"), {
    errno: 29,
    payload: Buffer.from("Cannot reach the store: it is away"),
    text: "Cannot reach the store: it is away",
  });
  await assert.rejects(f.list("", "", 1), TypeError);
});
