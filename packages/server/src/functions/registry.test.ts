import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { StoredEvent } from "../core/event.ts";
import type { FunctionVersion, Trigger } from "../core/function.ts";
import { typeMatches } from "../core/pattern.ts";
import { createRegistry } from "./registry.ts";
import { functionSettings } from "./settings.ts";
import { functionVersion } from "./version.ts";

function version(name: string, ...triggers: readonly Trigger[]): FunctionVersion {
  const module = { sha256: "0".repeat(64), bytes: 8, code: `${name}.wasm` };
  return functionVersion(functionSettings(name, triggers, {}, {}), module, 0);
}

function on(name: string, ...patterns: readonly string[]): FunctionVersion {
  return version(name, ...patterns.map((pattern) => ({ kind: "event" as const, pattern })));
}

function event(type: string, target?: string): StoredEvent {
  return {
    event: {
      id: "1",
      source: "/test",
      type,
      time: "2026-01-01T00:00:00Z",
      extensions: {},
      json: new Uint8Array(),
    },
    meta: { traceparent: "", depth: 0, ...(target === undefined ? {} : { target }) },
    position: 1,
    acceptedAt: 0,
  };
}

const names = (versions: readonly FunctionVersion[]): string[] => versions.map(({ name }) => name);

test("list(), get() and httpTriggers() give the functions in service, in order of name", () => {
  const http = { kind: "http", method: "GET", path: "/b", respond: true } as const;
  const registry = createRegistry([version("b", http), on("a", "x")]);
  assert.deepEqual(names(registry.list()), ["a", "b"]);
  assert.equal(registry.get("b")?.name, "b");
  assert.equal(registry.get("c"), undefined);
  assert.deepEqual(registry.httpTriggers(), [{ function: registry.get("b"), trigger: http }]);
  registry.replace([on("c", "x")]);
  assert.deepEqual(names(registry.list()), ["c"]);
  assert.deepEqual(registry.httpTriggers(), []);
});

test("what a registry hands out is frozen", () => {
  const registry = createRegistry([on("a", "x")]);
  for (const value of [
    registry.list(),
    registry.list()[0]?.limits,
    registry.httpTriggers(),
    registry.matching(event("x")),
  ]) {
    assert.ok(Object.isFrozen(value));
  }
});

test("matching() takes each function once, in order of name, and none for a type nobody wants", () => {
  const registry = createRegistry([
    on("z", "user.created"),
    on("a", "user.*", "*"),
    on("m", "order.*"),
  ]);
  assert.deepEqual(names(registry.matching(event("user.created"))), ["a", "z"]);
  assert.deepEqual(names(registry.matching(event("order.paid"))), ["a", "m"]);
  registry.replace([on("m", "order.*")]);
  assert.deepEqual(registry.matching(event("user.created")), []);
});

test("matching() gives an addressed event to its target only, and to nobody when that is gone", () => {
  const registry = createRegistry([on("a", "*"), on("b", "x")]);
  assert.deepEqual(names(registry.matching(event("x", "b"))), ["b"]);
  assert.deepEqual(names(registry.matching(event("nexus.cron", "a"))), ["a"]);
  assert.deepEqual(registry.matching(event("x", "gone")), []);
  assert.deepEqual(registry.matching(event("nexus.cron")), []);
});

test("matching() finds what trying every pattern finds", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", ".", "*"), minLength: 1, maxLength: 6 });
  const type = fc.string({ unit: fc.constantFrom("a", "b", "."), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(
      fc.array(fc.array(word, { maxLength: 3 }), { maxLength: 8 }),
      type,
      (lists, type) => {
        const versions = lists.map((patterns, n) => on(`f${n}`, ...patterns));
        const expected = versions.filter(({ triggers }) =>
          triggers.some((t) => t.kind === "event" && typeMatches(t.pattern, type)),
        );
        assert.deepEqual(names(createRegistry(versions).matching(event(type))), names(expected));
      },
    ),
  );
});

test("matching() costs a new type next to nothing with 10,000 functions, and a known one less", () => {
  const registry = createRegistry(
    Array.from({ length: 10_000 }, (_, n) => on(`f${n}`, n % 2 === 0 ? `t${n}` : `t${n}.*`)),
  );
  assert.deepEqual(names(registry.matching(event("t5.x"))), ["f5"]);
  const started = performance.now();
  // More types than are remembered, so that every one of them is looked up.
  for (let n = 0; n < 20_000; n += 1) registry.matching(event(`t${n}.x.y`));
  const perCall = (performance.now() - started) / 20_000;
  assert.ok(perCall < 0.1, `${perCall.toFixed(4)} ms a call`); // trying each of 10,000 takes longer
});

test("changes() begins with the set in service and ends with the signal", async () => {
  const registry = createRegistry([on("a", "x")]);
  const stop = new AbortController();
  const seen: string[][] = [];
  for await (const versions of registry.changes(stop.signal)) {
    seen.push(names(versions));
    if (seen.length === 1) registry.replace([on("b", "x")]);
    else stop.abort();
  }
  assert.deepEqual(seen, [["a"], ["b"]]);
  for await (const _ of registry.changes(AbortSignal.abort())) assert.fail("has ended");
});

test("changes() wakes every reader that waits, and ends one that waits when the signal aborts", async () => {
  const registry = createRegistry();
  const stop = new AbortController();
  const readers = [registry.changes(stop.signal), registry.changes(stop.signal)].map((changes) =>
    changes[Symbol.asyncIterator](),
  );
  await Promise.all(readers.map((reader) => reader.next()));
  const waiting = readers.map((reader) => reader.next());
  registry.replace([on("a", "x")]);
  for (const next of await Promise.all(waiting)) assert.deepEqual(names(next.value), ["a"]);
  const last = readers.map((reader) => reader.next());
  stop.abort();
  for (const next of await Promise.all(last)) assert.equal(next.done, true);
});

test("changes() gives a slow reader the newest set, not every one", async () => {
  const registry = createRegistry();
  const stop = new AbortController();
  const reader = registry.changes(stop.signal)[Symbol.asyncIterator]();
  await reader.next();
  for (let n = 0; n < 5; n += 1) registry.replace([on(`f${n}`, "x")]);
  assert.deepEqual(names((await reader.next()).value), ["f4"]);
  const next = reader.next();
  stop.abort();
  assert.equal((await next).done, true);
});
