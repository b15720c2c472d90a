import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TEST_LIMITS } from "../testing/limits.ts";
import { fixture } from "../testing/modules.ts";
import { bytes, testRuntime, type TestRuntime } from "../testing/runtime.ts";
import type { Outcome } from "./runtime.ts";

const LIMITS = { ...TEST_LIMITS, outputBytes: 65_536, logBytes: 65_536, logLines: 1_000 };
const STARTED_AT = Date.parse("2026-01-02T03:04:05.678Z");

async function chance(): Promise<TestRuntime> {
  const t = testRuntime({ workers: 2 }, LIMITS);
  const files = { mounts: [], scratchBytes: 1024 * 1024 };
  await t.runtime.load({
    version: "chance",
    bytes: await fixture("chance"),
    limits: LIMITS,
    files,
  });
  return t;
}

const record = (t: TestRuntime, event: string): Promise<Outcome> =>
  t.run("chance", { stdin: bytes(`!${event}`), tape: "record" });

const follow = (t: TestRuntime, event: string, tape: Uint8Array): Promise<Outcome> =>
  t.run("chance", {
    stdin: bytes(`!${event}`),
    tape: { follow: tape, startedAt: STARTED_AT },
  });

/** All of an outcome that has to be the same again, bit for bit. */
function done({ status, exitCode, error, output, logs, emitted, limits }: Outcome): unknown {
  const texts = logs.map(({ text }) => text);
  return { status, exitCode, error, output, texts, emitted, limits };
}

const events = fc
  .array(fc.constantFrom(...Array.from("rmptxysfelrmxyfuq")), { maxLength: 40 })
  .map((letters) => letters.join(""));

/** What a clock showed, one reading after another: seconds (8 bytes), nanoseconds (4), and padding. */
function times(output: Uint8Array): readonly bigint[] {
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  return Array.from(
    { length: output.length / 16 },
    (_, index) =>
      view.getBigUint64(index * 16, true) * 1_000_000_000n +
      BigInt(view.getUint32(index * 16 + 8, true)),
  );
}

test("invoke() that follows its own tape does again what it did, whatever chance gave it", async () => {
  await using t = await chance();
  await fc.assert(
    fc.asyncProperty(events, async (event) => {
      const first = await record(t, event);
      assert.deepEqual(done(await follow(t, event, first.tape)), done(first));
    }),
    { numRuns: 200 },
  );
});

test("invoke() that follows the tape of another run does the same each time, and never diverges", async () => {
  await using t = await chance();
  await fc.assert(
    fc.asyncProperty(events, events, async (recorded, asked) => {
      const { tape } = await record(t, recorded);
      const [one, two] = await Promise.all([follow(t, asked, tape), follow(t, asked, tape)]);
      assert.deepEqual(done(one), done(two));
      assert.notEqual(one.error?.code, "REPLAY_DIVERGED");
    }),
    { numRuns: 200 },
  );
});

test("invoke() that follows a tape gives each clock what was recorded of it, in whatever order it is asked", async () => {
  await using t = await chance();
  const first = await record(t, "rmrmxrm");
  const readings = times(
    Uint8Array.from([...first.output.slice(0, 64), ...first.output.slice(80)]),
  );
  const [r1, m1, r2, m2, r3, m3] = readings;
  // The scratch directory was made at the first reading of real time on the tape, in both.
  const other = await follow(t, "mmmrrr", first.tape);
  assert.deepEqual(times(other.output), [m1, m2, m3, r1, r2, r3]);
  const longer = times((await follow(t, "rrrrr", first.tape)).output);
  assert.deepEqual(longer, [r1, r2, r3, r3! + 1_000n, r3! + 2_000n]);
});

test("invoke() that follows a tape without a clock's readings begins it when the recorded run began", async () => {
  await using t = await chance();
  const startNs = BigInt(STARTED_AT) * 1_000_000n;
  const { output } = await follow(t, "mm", new Uint8Array(0));
  assert.deepEqual(times(output), [startNs, startNs + 1_000n]);
  const used = times((await follow(t, "pp", new Uint8Array(0))).output);
  assert.deepEqual(used, [0n, 1_000n]);
});

test("invoke() that follows a tape gives the recorded random bytes on, however they are asked for, and others behind them", async () => {
  await using t = await chance();
  const first = await record(t, "xyx");
  const { output } = await follow(t, "yxxy", first.tape);
  assert.equal(output.length, 2_032);
  assert.deepEqual(output.slice(0, 1_032), first.output);
  const rest = output.slice(1_032);
  assert.ok(new Set(rest).size > 200, "what follows is no repetition");
  const another = await record(t, "xyx");
  const elsewhere = (await follow(t, "yxxy", another.tape)).output.slice(1_032);
  assert.notDeepEqual(rest, elsewhere, "it follows from the tape");
});

test("invoke() that follows a tape does not wait, and its clocks have gone on as if it had", async () => {
  await using t = await chance();
  const { tape } = await record(t, "mr");
  const { output } = await follow(t, "mrsmr", tape);
  const [m1, r1, m2, r2] = times(output);
  assert.ok(m2! - m1! >= 50_000n);
  assert.ok(r2! - r1! >= 50_000n);
});

test("invoke() that follows a tape that is cut off, or is none, still ends by itself", async () => {
  await using t = await chance();
  const { tape } = await record(t, "rxym");
  for (const damaged of [tape.subarray(0, -1), Uint8Array.of(99, ...tape), tape.subarray(3)]) {
    const [one, two] = [await follow(t, "rxym", damaged), await follow(t, "rxym", damaged)];
    assert.equal(one.status, "succeeded");
    assert.deepEqual(done(one), done(two));
  }
});
