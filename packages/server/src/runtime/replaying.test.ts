import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TEST_LIMITS } from "../testing/limits.ts";
import { fixture } from "../testing/modules.ts";
import { bytes, testRuntime, type TestRuntime } from "../testing/runtime.ts";
import type { Outcome } from "./runtime.ts";

const LIMITS = { ...TEST_LIMITS, outputBytes: 65_536, logBytes: 65_536, logLines: 1_000 };

async function chance(): Promise<TestRuntime> {
  const t = testRuntime({ workers: 2 }, LIMITS);
  const files = { mounts: [], scratchBytes: 1024 * 1024 };
  const bytes = await fixture("chance");
  await t.runtime.load({ version: "chance", bytes, limits: LIMITS });
  await t.runtime.load({ version: "with files", bytes, limits: LIMITS, files });
  return t;
}

const record = (t: TestRuntime, event: string, version = "chance"): Promise<Outcome> =>
  t.run(version, { stdin: bytes(`!${event}`), tape: "record" });

const replay = (
  t: TestRuntime,
  event: string,
  tape: Uint8Array,
  version = "chance",
): Promise<Outcome> => t.run(version, { stdin: bytes(`!${event}`), tape });

/** All of an outcome that a replay has to bring about again, bit for bit. */
function done({ status, exitCode, error, output, logs, emitted, limits }: Outcome): unknown {
  const texts = logs.map(({ text }) => text);
  return { status, exitCode, error, output, texts, emitted, limits };
}

test("invoke() with its own tape does again what it did, whatever chance gave it", async () => {
  await using t = await chance();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...Array.from("rmptxysfelrmxyfuq")), { maxLength: 40 }),
      async (letters) => {
        const event = letters.join("");
        const first = await record(t, event, "with files");
        assert.ok(first.tapeWhole);
        assert.deepEqual(done(await replay(t, event, first.tape, "with files")), done(first));
      },
    ),
    { numRuns: 2_000 },
  );
});

test("invoke() keeps no tape of a run that nobody wants recorded, or that asked for nothing", async () => {
  await using t = await chance();
  assert.equal((await t.run("chance", { stdin: bytes("!rxfl") })).tape.length, 0);
  assert.equal((await record(t, "r")).tape.length > 0, true);
  assert.equal((await record(t, "no")).tape.length, 0);
});

test("invoke() with a tape gives the guest nothing that is not on it", async () => {
  await using t = await chance();
  const { tape } = await record(t, "rx");
  const ended = async (event: string, on: Uint8Array): Promise<string> => {
    const outcome = await replay(t, event, on);
    assert.equal(outcome.status, "failed");
    assert.equal(outcome.error?.code, "REPLAY_DIVERGED");
    return outcome.error.message.replace(/^Cannot run function "chance": it /, "");
  };
  assert.match(
    await ended("xr", tape),
    /^diverged at host call #\d+ \(random_get\): it asks for random, and was given realtime$/,
  );
  assert.match(
    await ended("rxx", tape),
    /\(random_get\): it asks for random, and the recording ends before$/,
  );
  assert.match(await ended("ry", tape), /it asks for 256 random bytes, and was given 16$/);
  assert.match(
    await ended("r", tape),
    /^diverged: it ended after \d+ host calls, and the recording goes on with random$/,
  );
  assert.match(
    await ended("rx", tape.subarray(0, -1)),
    /the recording is cut off in the middle of an entry$/,
  );
  assert.match(await ended("rx", Uint8Array.of(200, ...tape)), /was given something of kind 200$/);
  const early = await replay(t, "", Uint8Array.of(200), "with files");
  assert.match(early.error!.message, /diverged before its first host call: it asks for realtime/);
});

test("invoke() with one byte of its tape changed does something else, or diverges", async () => {
  await using t = await chance();
  const event = "rmxye";
  const first = await record(t, event);
  for (let at = 0; at < first.tape.length; at += 1) {
    const changed = first.tape.slice();
    changed[at]! ^= 0x10;
    const second = await replay(t, event, changed);
    assert.notDeepEqual(done(second), done(first), `byte ${at}`);
  }
});

test("invoke() does not wait where it replays", async () => {
  await using t = await chance();
  const event = "s".repeat(40);
  const first = await record(t, event);
  const second = await replay(t, event, first.tape);
  assert.deepEqual(done(second), done(first));
});

test("invoke() says where a run was given more than its tape holds, and keeps what it was given first", async () => {
  await using t = await chance();
  for (const event of ["y".repeat(60_000), "r".repeat(40_000)]) {
    const outcome = await record(t, event);
    assert.equal(outcome.tapeWhole, false);
    assert.ok(outcome.tape.length > 4_000 && outcome.tape.length <= 4_096);
    const replayed = await replay(t, event, outcome.tape);
    assert.match(replayed.error!.message, /and the recording ends before$/);
  }
});
