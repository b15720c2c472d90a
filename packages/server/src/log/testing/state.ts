import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EventLog } from "../log.ts";
import {
  MOST_KEY_BYTES,
  MOST_PAGE_BYTES,
  type StateEntry,
  type StateQuery,
  type StateStore,
} from "../state.ts";
import { noise, type TestStore } from "./fixtures.ts";
import { testStateModel } from "./state-model.ts";

/**
 * `nodes`: how many logs may be open on one store at a time. `neverClosed`: why it cannot be closed, and what
 * is asked of a closed one is not.
 */
export function testState(
  make: () => Promise<TestStore>,
  options: { readonly nodes: number; readonly stores: number; readonly neverClosed?: string },
): void {
  testEntries(make);
  testClosed(make, options.neverClosed);
  testExpectations(make, options.nodes);
  testLists(make);
  testLimits(make);
  testExpiry(make);
  testStateModel(make, options.stores);
}

const NS = "fn:orders";

/** Text that a subject of NATS, a path, a C string or a careless encoding would take for something else. */
export const ODD_KEYS = [
  "a",
  "A",
  "a.b",
  "a..b",
  ".",
  "..",
  "*",
  ">",
  "a.>",
  "%",
  "%2E",
  "%2e",
  "~",
  "!",
  "$JS.API",
  " ",
  " a",
  "a ",
  "a\tb",
  "a\r\nb",
  "\0",
  "a\0",
  "a\0b",
  "\u007f",
  "/",
  "../../etc/passwd",
  "\\",
  '"',
  "__proto__",
  "constructor",
  "é",
  "e\u0301",
  "ä".repeat(256),
  "\ufeff",
  "\u2028",
  "\ufffd",
  "\uffff",
  "🧀",
  "\u{10ffff}",
  "x".repeat(MOST_KEY_BYTES),
  "_",
  "-",
  ":",
] as const;

function testEntries(make: () => Promise<TestStore>): void {
  test("state.set() keeps bytes as they are, get() gives them back, and delete() takes them away", async () => {
    await using store = await make();
    await using log = await store.open();
    const { state } = log;
    assert.equal(await state.get(NS, "k"), undefined);
    const values = [new Uint8Array(), Uint8Array.of(0), noise(1000), bytes("käse 🧀\r\n")];
    for (const value of values) {
      const revision = await state.set(NS, "k", value);
      assert.deepEqual(await state.get(NS, "k"), { key: "k", value, revision });
    }
    assert.equal(await state.delete(NS, "k"), true);
    assert.equal(await state.get(NS, "k"), undefined);
    assert.equal(await state.delete(NS, "k"), false);
    assert.deepEqual(await state.list(NS, { limit: 10 }), { items: [], more: false });
  });

  test("state.set() keeps what the bytes were when it was called", async () => {
    await using store = await make();
    await using log = await store.open();
    const value = bytes("before");
    const kept = log.state.set(NS, "k", value);
    value.fill(0);
    await kept;
    assert.deepEqual((await log.state.get(NS, "k"))!.value, bytes("before"));
  });

  test("state takes every key that is text, and mixes none of them up", async () => {
    await using store = await make();
    {
      await using log = await store.open();
      await Promise.all(ODD_KEYS.map((key) => log.state.set(NS, key, bytes(key))));
    }
    await using log = await store.open();
    for (const key of ODD_KEYS) {
      const entry = await log.state.get(NS, key);
      assert.deepEqual([entry?.key, text(entry)], [key, key]);
    }
    const { items } = await log.state.list(NS, { limit: 1000 });
    const wanted = inByteOrder(ODD_KEYS);
    assert.deepEqual(
      items.map((entry) => [entry.key, text(entry)]),
      wanted.map((key) => [key, key]),
    );
    for (const [index, key] of ODD_KEYS.entries()) {
      assert.equal(await log.state.delete(NS, key), true);
      const { items: left } = await log.state.list(NS, { limit: 1000 });
      assert.equal(left.length, ODD_KEYS.length - index - 1, JSON.stringify(key));
    }
  });

  test("state of one namespace is not seen in another, whatever its name", async () => {
    await using store = await make();
    await using log = await store.open();
    const names = ["a", "a.b", "aA", "ab", "a:b", "a-b", "a_b", "a.", "z".repeat(128)];
    for (const name of names) await log.state.set(name, "b", bytes(name));
    for (const name of names) {
      assert.equal(text(await log.state.get(name, "b")), name);
      const { items, more } = await log.state.list(name, { limit: 10 });
      assert.deepEqual([items.map(text), more], [[name], false]);
    }
    assert.equal(await log.state.delete("a", "b"), true);
    assert.equal(await log.state.get("a", "b"), undefined);
    for (const name of names.slice(1)) assert.equal(text(await log.state.get(name, "b")), name);
  });

  test("state is there after the log is opened again, and what is deleted is not", async () => {
    await using store = await make();
    const before = new Map<string, StateEntry | undefined>();
    const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);
    {
      await using log = await store.open();
      await Promise.all(keys.map((key) => log.state.set(NS, key, noise(100))));
      await Promise.all(keys.slice(20).map((key) => log.state.delete(NS, key)));
      for (const key of keys) before.set(key, await log.state.get(NS, key));
    }
    await using log = await store.open();
    for (const key of keys) assert.deepEqual(await log.state.get(NS, key), before.get(key));
    assert.equal(before.get("k25"), undefined);
  });

  test("state revisions of a key rise, also after it was deleted and the log opened again", async () => {
    await using store = await make();
    let last = 0;
    for (let round = 0; round < 3; round += 1) {
      await using log = await store.open();
      for (let i = 0; i < 3; i += 1) {
        const revision = (await log.state.set(NS, "k", bytes("x")))!;
        assert.ok(revision > last, `${revision} after ${last}`);
        last = revision;
      }
      assert.equal(await log.state.delete(NS, "k"), true);
    }
  });
}

function testClosed(make: () => Promise<TestStore>, skip: string | undefined): void {
  const options = skip === undefined ? {} : { skip };
  test("state of a log that is closed rejects with LOG_UNAVAILABLE", options, async () => {
    await using store = await make();
    const log = await store.open();
    await log.state.set(NS, "k", bytes("x"));
    await log[Symbol.asyncDispose]();
    const closed = { code: "LOG_UNAVAILABLE" };
    await assert.rejects(log.state.get(NS, "k"), closed);
    await assert.rejects(log.state.set(NS, "k", bytes("y")), closed);
    await assert.rejects(log.state.delete(NS, "k"), closed);
    await assert.rejects(log.state.list(NS, { limit: 1 }), closed);
  });
}

function testExpectations(make: () => Promise<TestStore>, nodes: number): void {
  test("state.set() with `expect` changes nothing unless it is met", async () => {
    await using store = await make();
    await using log = await store.open();
    const { state } = log;
    assert.equal(await state.set(NS, "k", bytes("1"), { expect: 1 }), undefined);
    assert.equal(await state.get(NS, "k"), undefined);
    const first = (await state.set(NS, "k", bytes("1"), { expect: "absent" }))!;
    assert.ok(first > 0);
    assert.equal(await state.set(NS, "k", bytes("2"), { expect: "absent" }), undefined);
    assert.equal(text(await state.get(NS, "k")), "1");
    const second = (await state.set(NS, "k", bytes("2"), { expect: first }))!;
    assert.ok(second > first);
    assert.equal(await state.set(NS, "k", bytes("3"), { expect: first }), undefined);
    assert.deepEqual(await state.get(NS, "k"), { key: "k", value: bytes("2"), revision: second });
  });

  test("state.delete() with `expect` removes nothing but that revision, which nobody meets afterwards", async () => {
    await using store = await make();
    await using log = await store.open();
    const { state } = log;
    const first = (await state.set(NS, "k", bytes("1")))!;
    const second = (await state.set(NS, "k", bytes("2")))!;
    assert.equal(await state.delete(NS, "k", { expect: first }), false);
    assert.equal(text(await state.get(NS, "k")), "2");
    assert.equal(await state.delete(NS, "k", { expect: second }), true);
    assert.equal(await state.delete(NS, "k", { expect: second }), false);
    assert.equal(await state.set(NS, "k", bytes("3"), { expect: second }), undefined);
    const third = (await state.set(NS, "k", bytes("3"), { expect: "absent" }))!;
    assert.ok(third > second);
  });

  test("state.set() of several at once that expect the same: one succeeds, whichever node asks", async () => {
    await using store = await make();
    await using logs = await openNodes(store, nodes);
    for (let round = 0; round < 20; round += 1) {
      const key = `k${round % 4}`;
      const { state } = logs.all[0]!;
      const now = await state.get(NS, key);
      const expect = now?.revision ?? "absent";
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, i) =>
          logs.all[i % nodes]!.state.set(NS, key, bytes(`${round} ${i}`), { expect }),
        ),
      );
      const won = answers.flatMap((revision, i) =>
        revision === undefined ? [] : [{ revision, i }],
      );
      assert.equal(won.length, 1, JSON.stringify(answers));
      for (const { state: seen } of logs.all) {
        const entry = await seen.get(NS, key);
        assert.deepEqual(
          [text(entry), entry!.revision],
          [`${round} ${won[0]!.i}`, won[0]!.revision],
        );
      }
      if (round % 5 === 4) assert.equal(await state.delete(NS, key), true);
    }
  });

  test("state.delete() of several at once: one of them removes it", async () => {
    await using store = await make();
    await using logs = await openNodes(store, nodes);
    for (let round = 0; round < 10; round += 1) {
      await logs.all[0]!.state.set(NS, "k", bytes("x"));
      const answers = await Promise.all(
        Array.from({ length: 4 }, (_, i) => logs.all[i % nodes]!.state.delete(NS, "k")),
      );
      assert.equal(answers.filter((removed) => removed).length, 1);
      for (const { state } of logs.all) assert.equal(await state.get(NS, "k"), undefined);
    }
  });

  test("state.set() of several at once without `expect` keeps that of the largest revision", async () => {
    await using store = await make();
    await using logs = await openNodes(store, nodes);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => logs.all[i % nodes]!.state.set(NS, "k", bytes(`${i}`))),
    );
    assert.equal(new Set(answers).size, 20);
    const last = Math.max(...answers.map((revision) => revision!));
    const winner = String(answers.indexOf(last));
    for (const { state } of logs.all) {
      const entry = await state.get(NS, "k");
      assert.deepEqual([text(entry), entry!.revision], [winner, last]);
    }
  });

  test("a counter in the state that many increase by `expect` ends at the right number, however they interleave", async () => {
    await using store = await make();
    await using logs = await openNodes(store, nodes);
    let plans = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 6 }), {
          minLength: 2,
          maxLength: 6,
        }),
        async (workers) => {
          const key = `counter ${(plans += 1)}`;
          await Promise.all(
            workers.map(async (pauses, i) => {
              for (const turns of pauses) await increase(logs.all[i % nodes]!.state, key, turns);
            }),
          );
          const total = workers.reduce((sum, pauses) => sum + pauses.length, 0);
          assert.equal(text(await logs.all[0]!.state.get(NS, key)), String(total));
        },
      ),
      { numRuns: 30 },
    );
  });
}

/** Adds one, again and again until nobody was in between. `turns` of the event loop pass before each try. */
async function increase(state: StateStore, key: string, turns: number): Promise<void> {
  for (;;) {
    const entry = await state.get(NS, key);
    for (let i = 0; i < turns; i += 1) await new Promise(setImmediate);
    const next = bytes(String(Number(text(entry) ?? 0) + 1));
    const expect = entry?.revision ?? "absent";
    if ((await state.set(NS, key, next, { expect })) !== undefined) return;
  }
}

function testLists(make: () => Promise<TestStore>): void {
  test("state.list() gives keys in order of their UTF-8 bytes, by prefix and page by page", async () => {
    await using store = await make();
    await using log = await store.open();
    const others = ["user:1", "user:10", "user:2", "user:", "user", "usfs", "user:\u{1f9c0}"];
    const keys = inByteOrder([...ODD_KEYS, ...others]);
    await Promise.all(keys.map((key) => log.state.set(NS, key, bytes(key))));
    await log.state.set("fn:other", "user:3", bytes("not here"));
    const prefixes = [
      "",
      "user",
      "user:",
      "a",
      "a\0",
      "\ud83e\uddc0",
      "none",
      "é",
      "x".repeat(600),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constantFrom(...prefixes), fc.constantFrom(...keys)),
        fc.option(fc.constantFrom(...keys, "b", "\uffff\uffff"), { nil: undefined }),
        fc.integer({ min: 1, max: 60 }),
        async (prefix, after, limit) => {
          const wanted = keys.filter(
            (key) => key.startsWith(prefix) && (after === undefined || compare(after, key) < 0),
          );
          const query = { prefix, limit, ...(after === undefined ? {} : { after }) };
          const pages = await allOf(log.state, query);
          assert.deepEqual(pages.flat(), wanted);
          assert.ok(pages.slice(0, -1).every(({ length }) => length === limit));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("state.list() ends a page early where its values are large, and gives all of them", async () => {
    await using store = await make();
    await using log = await store.open();
    const size = Math.min(log.state.maxValueBytes, 300_000);
    const keys = Array.from({ length: 12 }, (_, i) => `k${String(i).padStart(2, "0")}`);
    for (const key of keys) await log.state.set(NS, key, noise(size));
    const pages = await allOf(log.state, { limit: 1000 });
    assert.deepEqual(pages.flat(), keys);
    const most = Math.ceil(MOST_PAGE_BYTES / size);
    assert.ok(pages.every(({ length }) => length >= 1 && length <= most));
  });
}

function testLimits(make: () => Promise<TestStore>): void {
  test("state takes keys and values up to their limits, and refuses what is more", async () => {
    await using store = await make();
    await using log = await store.open();
    const { state } = log;
    const largest = noise(state.maxValueBytes);
    await state.set(NS, "k", largest);
    assert.deepEqual((await state.get(NS, "k"))!.value, largest);
    const tooLarge = { code: "STATE_TOO_LARGE" };
    await assert.rejects(state.set(NS, "k", noise(state.maxValueBytes + 1)), tooLarge);
    assert.deepEqual((await state.get(NS, "k"))!.value, largest);
    for (const key of ["x".repeat(MOST_KEY_BYTES + 1), "ä".repeat(MOST_KEY_BYTES / 2) + "x"]) {
      await assert.rejects(state.set(NS, key, bytes("x")), tooLarge);
      await assert.rejects(state.get(NS, key), tooLarge);
      await assert.rejects(state.delete(NS, key), tooLarge);
    }
  });

  test("state refuses a key that is empty or no text, and a namespace that is none as a bug", async () => {
    await using store = await make();
    await using log = await store.open();
    const { state } = log;
    const invalid = { code: "STATE_KEY_INVALID" };
    for (const key of ["", "\ud800", "a\udc00b"]) {
      await assert.rejects(state.set(NS, key, bytes("x")), invalid);
      await assert.rejects(state.get(NS, key), invalid);
      await assert.rejects(state.delete(NS, key), invalid);
    }
    await assert.rejects(state.list(NS, { prefix: "\ud83e", limit: 1 }), invalid);
    for (const namespace of ["", "A", "1a", "a\0", "a/b", "ä", "z".repeat(129)]) {
      await assert.rejects(state.set(namespace, "k", bytes("x")), TypeError);
      await assert.rejects(state.get(namespace, "k"), TypeError);
      await assert.rejects(state.list(namespace, { limit: 1 }), TypeError);
    }
  });
}

const HOUR_MS = 3_600_000;

function testExpiry(make: () => Promise<TestStore>): void {
  test("state is gone when its time has come, for every call, and is then absent", async () => {
    await using store = await make();
    const start = Date.now();
    let clock = start;
    await using log = await store.open(() => clock);
    const { state } = log;
    const expiresAt = start + 1000;
    const revision = (await state.set(NS, "k", bytes("1"), { expiresAt }))!;
    await state.set(NS, "stays", bytes("1"), { expiresAt });
    await state.set(NS, "stays", bytes("2"));
    clock = expiresAt - 1;
    const entry = { key: "k", value: bytes("1"), revision, expiresAt };
    assert.deepEqual(await state.get(NS, "k"), entry);
    assert.deepEqual((await state.list(NS, { limit: 1 })).items, [entry]);
    clock = expiresAt;
    assert.equal(await state.get(NS, "k"), undefined);
    const { items, more } = await state.list(NS, { limit: 1 });
    assert.deepEqual([items.map(({ key }) => key), more], [["stays"], false]);
    assert.equal(await state.delete(NS, "k"), false);
    assert.equal(await state.delete(NS, "k", { expect: revision }), false);
    assert.equal(await state.set(NS, "k", bytes("2"), { expect: revision }), undefined);
    const next = (await state.set(NS, "k", bytes("2"), { expect: "absent" }))!;
    assert.ok(next > revision);
    clock = expiresAt + 1000 * HOUR_MS;
    assert.equal(text(await state.get(NS, "k")), "2");
  });

  test("trim() removes state whose time has come, and leaves what was written anew", async () => {
    await using store = await make();
    const start = Date.now();
    let clock = start;
    await using log = await store.open(() => clock);
    const { state } = log;
    const soon = { expiresAt: start + 1000 };
    const keys = Array.from({ length: 450 }, (_, i) => `k${i}`);
    await Promise.all(keys.map((key) => state.set(NS, key, bytes("1"), soon)));
    await state.set(NS, "stays", bytes("1"));
    await state.set(NS, "later", bytes("1"), { expiresAt: start + 100 * HOUR_MS });
    await state.set(NS, "k3", bytes("2"));
    await state.set(NS, "k4", bytes("2"), { expiresAt: start + 100 * HOUR_MS });
    clock = start + 24 * HOUR_MS;
    const trimmed = await log.trim({ events: {}, invocations: {} });
    assert.deepEqual(trimmed, { events: 0, invocations: 0 });
    clock = start; // what was there would be seen again
    const { items } = await state.list(NS, { limit: 1000 });
    assert.deepEqual(
      items.map((entry) => [entry.key, text(entry)]),
      [
        ["k3", "2"],
        ["k4", "2"],
        ["later", "1"],
        ["stays", "1"],
      ],
    );
    const revision = items[1]!.revision;
    clock = start + 200 * HOUR_MS;
    await log.trim({ events: {}, invocations: {} });
    clock = start;
    const { items: left } = await state.list(NS, { limit: 1000 });
    assert.deepEqual(
      left.map(({ key }) => key),
      ["k3", "stays"],
    );
    assert.ok((await state.set(NS, "k4", bytes("3"), { expect: "absent" }))! > revision);
  });
}

interface Nodes extends AsyncDisposable {
  readonly all: readonly EventLog[];
}

async function openNodes(store: TestStore, count: number): Promise<Nodes> {
  const all: EventLog[] = [];
  for (let i = 0; i < count; i += 1) all.push(await store.open());
  return {
    all,
    async [Symbol.asyncDispose]() {
      for (const log of all) await log[Symbol.asyncDispose]();
    },
  };
}

/** The keys of every page. */
async function allOf(state: StateStore, query: StateQuery): Promise<string[][]> {
  const pages: string[][] = [];
  for (let { after } = query; ;) {
    const page = await state.list(NS, after === undefined ? query : { ...query, after });
    pages.push(page.items.map(({ key }) => key));
    if (!page.more) return pages;
    after = page.items.at(-1)!.key;
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function text(entry: StateEntry | undefined): string | undefined {
  return entry === undefined
    ? undefined
    : new TextDecoder("utf-8", { ignoreBOM: true }).decode(entry.value);
}

export function compare(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

function inByteOrder(keys: readonly string[]): string[] {
  return [...new Set(keys)].sort(compare);
}
