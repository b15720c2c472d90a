// Host calls with whatever arguments, and recordings with whatever in them: each costs its own run at most.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { answerKv } from "../effects/kv.ts";
import { memoryState } from "../log/drivers/memory-state.ts";
import { TEST_LIMITS } from "../testing/limits.ts";
import { fixture, wat } from "../testing/modules.ts";
import { bytes, testRuntime } from "../testing/runtime.ts";
import type { HostCalls } from "./host-calls.ts";
import { decodeCall, describeCall, encodeCall } from "./taped-call.ts";

const GRANTS = {
  kv: true,
  secrets: ["API_KEY"],
  fetch: { allow: [], timeoutMs: 1_000, responseBytes: 1_000, requests: 1, redirects: 0 },
} as const;

/** Parameters of each, as the module declares them. */
const PARAMS = {
  emit: "ii",
  log: "iii",
  kv_get: "iiiiii",
  kv_set: "iiiiIIi",
  kv_delete: "iiI",
  kv_list: "iiiiiiii",
  fetch: "iiiiiii",
  secret_get: "iiiii",
  answer_read: "iii",
} as const;

const NAMES = Object.keys(PARAMS) as (keyof typeof PARAMS)[];
const MOST_PARAMS = 8;

/** Makes the calls that its event says: eight bytes which, and eight for each of eight arguments. */
async function caller(): Promise<Uint8Array> {
  const type = (letter: string): string => (letter === "I" ? "i64" : "i32");
  const imports = NAMES.map((name) => {
    const params = PARAMS[name].split("").map(type).join(" ");
    return `(import "nexus" "${name}" (func $${name} (param ${params}) (result i32)))`;
  });
  const calls = NAMES.map((name, index) => {
    const args = PARAMS[name]
      .split("")
      .map(
        (letter, at) =>
          `(${type(letter)}.load (i32.add (local.get $at) (i32.const ${8 + at * 8})))`,
      );
    return `(if (i32.eq (i32.load (local.get $at)) (i32.const ${index}))
      (then (drop (call $${name} ${args.join(" ")}))))`;
  });
  return wat(`(module
    ${imports.join("\n")}
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start") (local $at i32) (local $end i32)
      (i32.store (i32.const 0) (i32.const 32768))
      (i32.store (i32.const 4) (i32.const 16384))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $at (i32.const 32768))
      (local.set $end (i32.add (i32.const 32768) (i32.load (i32.const 8))))
      (loop $next
        (if (i32.lt_u (local.get $at) (local.get $end)) (then
          ${calls.join("\n")}
          (local.set $at (i32.add (local.get $at) (i32.const ${8 + MOST_PARAMS * 8})))
          (br $next))))))`);
}

const address = fc.oneof(
  fc.integer({ min: 0, max: 200 }),
  fc.integer({ min: 65_500, max: 65_560 }),
  fc.integer({ min: -20, max: 20 }),
  fc.constantFrom(0x7fff_ffff, -0x8000_0000, -1, 32_768),
  fc.integer(),
);

const calls = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: NAMES.length - 1 }),
    fc.array(address, { minLength: MOST_PARAMS, maxLength: MOST_PARAMS }),
  ),
  { minLength: 1, maxLength: 20 },
);

function eventOf(made: readonly (readonly [number, readonly number[]])[]): Uint8Array {
  const numbers = made.flatMap(([which, args]) => [BigInt(which), ...args.map(BigInt)]);
  return new Uint8Array(BigInt64Array.from(numbers).buffer);
}

test("host calls with any arguments give an errno, and a replay gives the same", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  const limits = { ...TEST_LIMITS, emits: 100, logBytes: 1_000_000, logLines: 10_000 };
  await t.runtime.load({ version: "f", bytes: await caller(), limits, grants: GRANTS });
  const state = memoryState();
  const hostCalls: HostCalls = {
    async answer(call) {
      if (call.name !== "fetch") return answerKv(call, { state, function: "f", now: Date.now });
      return { errno: 0, payload: Buffer.concat(call.parts) };
    },
  };
  const secrets = { API_KEY: "open sesame", "": "without a name" };
  await fc.assert(
    fc.asyncProperty(calls, async (made) => {
      const request = { stdin: eventOf(made), secrets };
      const first = await t.run("f", { ...request, hostCalls, tape: "record" });
      assert.equal(first.error, null);
      const second = await t.run("f", { ...request, tape: first.tape });
      assert.equal(second.error, null);
      assert.deepEqual(second.emitted, first.emitted);
    }),
    { numRuns: 500 },
  );
  assert.equal(t.runtime.status().replaced, 0);
});

test("invoke() with any bytes for a tape, or one that was cut or changed, ends in its thread", async () => {
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  const limits = { ...TEST_LIMITS, outputBytes: 65_536 };
  const module = await fixture("effects");
  await t.runtime.load({ version: "f", bytes: module, limits, grants: GRANTS });
  const state = memoryState();
  const hostCalls: HostCalls = {
    answer: (call) => answerKv(call, { state, function: "f", now: Date.now }),
  };
  const stdin = bytes("!new a 1\nget a\nsecret API_KEY\nset b two\nlist \ndel b");
  const request = { stdin, secrets: { API_KEY: "open sesame" } };
  const { tape } = await t.run("f", { ...request, hostCalls, tape: "record" });
  const damaged = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.nat(tape.length - 1).map((length) => tape.slice(0, length)),
    fc
      .array(fc.tuple(fc.nat(tape.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
      .map((changes) => {
        const changed = tape.slice();
        for (const [at, byte] of changes) changed[at] = byte;
        return changed;
      }),
  );
  await fc.assert(
    fc.asyncProperty(damaged, async (bad) => {
      for (const mode of [bad, { follow: bad, startedAt: 0 }]) {
        const { status, error } = await t.run("f", { ...request, tape: mode });
        assert.ok(
          status === "succeeded" || error?.code === "REPLAY_DIVERGED",
          String(error?.message),
        );
      }
    }),
    { numRuns: 500 },
  );
  assert.equal(t.runtime.status().replaced, 0);
});

test("decodeCall() gives what encodeCall() was given, and nothing of other bytes that cannot be told", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (entry) => {
      const call = decodeCall(entry);
      if (call === undefined) return;
      assert.deepEqual(encodeCall(call), Buffer.from(entry));
      assert.match(describeCall(call), /^(?:kv\.(?:get|set|delete|list)|fetch)\([^]*\)$/);
    }),
    { numRuns: 5_000 },
  );
});
