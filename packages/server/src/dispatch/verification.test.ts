import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRecording, encodeRecording } from "../core/recording.ts";
import { decodeRecordingFile } from "../core/recording-file.ts";
import { DEFAULT_PLATFORM_SETTINGS } from "../core/settings.ts";
import { testApp, type TestApp } from "../testing/http-app.ts";
import { until } from "../testing/until.ts";
import { runVerification } from "./verification.ts";

const CONFIG = `version: v1
functions:
  - name: chance
    on: { event: dice.* }
    code: ${import.meta.dirname}/../../fixtures/chance.wasm
    retry: { attempts: 1 }
`;

async function thrown(app: TestApp, what: string): Promise<string> {
  const { json } = await app.ask("POST", "/events/dice.thrown?wait=20s", {
    headers: { "content-type": "application/json" },
    body: JSON.stringify(`!${what}`),
  });
  return json.invocations[0].id;
}

const deps = ({ deps: { log, dispatch, telemetry } }: TestApp) => ({ log, dispatch, telemetry });

function verifying(app: TestApp, isIdle = () => true): AsyncDisposable {
  const stop = new AbortController();
  const settings = () => ({ ...DEFAULT_PLATFORM_SETTINGS, replay: { verifyEveryMs: 1 } });
  const running = runVerification({ ...deps(app), settings, isIdle, lookMs: 1 }, stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

async function counted(app: TestApp, what: "verified" | "diverged"): Promise<number> {
  const { text } = await app.ask("GET", "/metrics");
  return Number(
    new RegExp(`^nexus_replay_${what}_total\\{function="chance"\\} (\\d+)`, "m").exec(text)?.[1],
  );
}

test("runVerification() makes each of the newest recorded runs again, once, and counts them", async () => {
  await using app = await testApp(CONFIG);
  for (const what of ["rx", "xq", "yl"]) await thrown(app, what);
  {
    await using _ = verifying(app);
    await until(async () => (await counted(app, "verified")) >= 3);
    const { json } = await app.ask("GET", "/invocations");
    assert.equal(json.invocations.length, 3, "nothing is recorded of it");
    await thrown(app, "rx");
    await until(async () => (await counted(app, "verified")) >= 4);
  }
  assert.equal(await counted(app, "verified"), 4);
  assert.equal(await counted(app, "diverged"), 0);
});

test("runVerification() makes an event of a run that goes another way, with its recording in it", async () => {
  await using app = await testApp(CONFIG);
  const { log } = app.deps;
  const id = await thrown(app, "rx");
  const recorded = (await log.invocations.get(id))!;
  const recording = decodeRecording((await log.invocations.recording(id))!);
  const changed = { ...recording, tape: recording.tape.slice() };
  changed.tape[changed.tape.length - 1]! ^= 1;
  const other = `${id.slice(0, -1)}${id.endsWith("0") ? "1" : "0"}`;
  await log.record({ ...recorded, id: other }, [], encodeRecording(changed));
  await using _ = verifying(app);
  await until(async () => (await counted(app, "diverged")) >= 1);
  const { events } = (await until(async () => {
    const { json } = await app.ask("GET", "/events?type=nexus.replay.diverged");
    return json.events.length > 0 ? json : undefined;
  })) as { events: { id: string; subject: string; data: Record<string, unknown> }[] };
  assert.equal(events.length, 1);
  const [{ subject, data }] = events as [(typeof events)[0]];
  assert.equal(subject, "chance");
  assert.equal(data["invocation_id"], other);
  assert.deepEqual(data["differs"], ["output"]);
  const file = decodeRecordingFile(Buffer.from(String(data["recording"]), "base64"), "its event");
  assert.equal(file.invocation.id, other);
  assert.deepEqual(Buffer.from(decodeRecording(file.recording).tape), Buffer.from(changed.tape));
});

test("runVerification() waits until no function runs", async () => {
  await using app = await testApp(CONFIG);
  await thrown(app, "rx");
  let asked = 0;
  await using _ = verifying(app, () => (asked += 1) > 20);
  await until(async () => {
    const verified = await counted(app, "verified");
    assert.ok(asked > 20 || verified === 0);
    return verified === 1;
  });
});

test("runVerification() does nothing where it is off", async () => {
  await using app = await testApp(CONFIG);
  await thrown(app, "rx");
  const stop = new AbortController();
  let asked = 0;
  const settings = () => {
    asked += 1;
    if (asked === 50) stop.abort();
    return { ...DEFAULT_PLATFORM_SETTINGS, replay: { verifyEveryMs: 0 } };
  };
  await runVerification({ ...deps(app), settings, isIdle: () => true, lookMs: 1 }, stop.signal);
  assert.equal(await counted(app, "verified"), 0);
});
