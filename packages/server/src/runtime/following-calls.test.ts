import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { answerKv } from "../effects/kv.ts";
import { memoryState } from "../log/drivers/memory-state.ts";
import { TEST_LIMITS } from "../testing/limits.ts";
import { fixture } from "../testing/modules.ts";
import { bytes, testRuntime, text, type TestRuntime } from "../testing/runtime.ts";
import type { HostCalls } from "./host-calls.ts";
import type { Outcome } from "./runtime.ts";
import { callsOn, describeCall } from "./taped-call.ts";

const LIMITS = { ...TEST_LIMITS, outputBytes: 1024 * 1024 };

async function effects(): Promise<TestRuntime> {
  const t = testRuntime({ workers: 2 }, LIMITS);
  const grants = {
    kv: true as const,
    secrets: [],
    fetch: { allow: ["example.com"], timeoutMs: 1, responseBytes: 1, requests: 9, redirects: 0 },
  };
  const module = { version: "effects", bytes: await fixture("effects"), limits: LIMITS, grants };
  await t.runtime.load(module);
  return t;
}

const stdin = (lines: readonly string[]) => bytes(`!${lines.join("\n")}`);

/** A run that has its own store, and what it was given. */
function record(t: TestRuntime, lines: readonly string[]): Promise<Outcome> {
  const state = memoryState();
  const hostCalls: HostCalls = {
    answer: (call) => answerKv(call, { state, function: "f", now: Date.now }),
  };
  return t.run("effects", { stdin: stdin(lines), hostCalls, tape: "record" });
}

/** Nobody is there who would answer. */
const follow = (t: TestRuntime, lines: readonly string[], tape: Uint8Array): Promise<Outcome> =>
  t.run("effects", { stdin: stdin(lines), tape: { follow: tape, startedAt: 0 } });

function done({ status, exitCode, error, output, logs, emitted, limits }: Outcome): unknown {
  const texts = logs.map(({ text }) => text);
  return { status, exitCode, error, output, texts, emitted, limits };
}

/** The calls on a tape, in words. */
const wordsOn = (tape: Uint8Array): readonly string[] =>
  callsOn(tape).map((call) => describeCall(call));

const keys = fc.constantFrom("a", "b");
const programs = fc.array(
  fc.oneof(
    keys.map((key) => `get ${key}`),
    keys.map((key) => `del ${key}`),
    fc.constant("list "),
    fc
      .tuple(fc.constantFrom("set", "new", "cas"), keys, fc.constantFrom("1", "2"))
      .map((words) => words.join(" ")),
  ),
  { maxLength: 12 },
);

test("invoke() that follows its own tape is given the same answers to its host calls", async () => {
  await using t = await effects();
  await fc.assert(
    fc.asyncProperty(programs, async (lines) => {
      const first = await record(t, lines);
      const again = await follow(t, lines, first.tape);
      assert.deepEqual(done(again), done(first));
      assert.deepEqual(wordsOn(again.tape), wordsOn(first.tape));
    }),
    { numRuns: 200 },
  );
});

test("invoke() that follows the tape of another run does the same each time, host calls and all", async () => {
  await using t = await effects();
  await fc.assert(
    fc.asyncProperty(programs, programs, async (recorded, asked) => {
      const { tape } = await record(t, recorded);
      const [one, two] = await Promise.all([follow(t, asked, tape), follow(t, asked, tape)]);
      assert.deepEqual(done(one), done(two));
      assert.deepEqual(one.tape, two.tape);
    }),
    { numRuns: 200 },
  );
});

test("invoke() that follows a tape reads what it has written, and its tape says what that was", async () => {
  await using t = await effects();
  const { tape } = await record(t, ["set a 1", "get a"]);
  const lines = [
    "get a",
    "set a 2",
    "get a",
    "cas a 3",
    "get a",
    "set c 9",
    "get c",
    "del c",
    "get c",
  ];
  const { output, error, tape: asked } = await follow(t, ["set a 1", ...lines], tape);
  assert.equal(error, null);
  const said = text(output).trimEnd().split("\n");
  assert.deepEqual(said, [
    "set: done",
    "get: 1",
    "set: done",
    "get: 2",
    "cas: done",
    "get: 3",
    "set: done",
    "get: 9",
    "del: done",
    "get: error 44 (there is no such entry)",
  ]);
  assert.equal(wordsOn(asked).length, 10);
  assert.equal(wordsOn(asked)[2], 'kv.set("a", "2")');
});

test("invoke() that follows a tape diverges where nobody knows what it would have been answered", async () => {
  await using t = await effects();
  const { tape } = await record(t, ["get a", "set b 1"]);
  const ended = async (...lines: string[]): Promise<string> => {
    const { error } = await follow(t, lines, tape);
    assert.equal(error?.code, "REPLAY_DIVERGED");
    return error.message.replace(/^Cannot run function "effects": it /, "");
  };
  assert.match(
    await ended("get a", "get c"),
    /^diverged at host call #\d+: kv\.get\("c"\), which the recording does not have$/,
  );
  assert.match(await ended("new c 1"), /: kv\.set\("c", "1", if absent\), which/);
  assert.match(await ended("list "), /: kv\.list\("", at most 100\), which/);
  assert.match(
    await ended("fetch GET http://example.com/"),
    /: fetch\("GET http:\/\/example\.com\/"\), which the recording does not have$/,
  );
  assert.equal((await follow(t, ["get a", "get a", "set c 1"], tape)).error, null);
});
