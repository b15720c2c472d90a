import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeRecording } from "../core/recording.ts";
import { decodeRecordingFile, type RecordingFile } from "../core/recording-file.ts";
import { RerunVersions, runAgain } from "../dispatch/run-again.ts";
import { partsAmong, versionOf } from "../functions/version-archive.ts";
import { threadRuntime } from "../runtime/host/thread-runtime.ts";
import { toFetch } from "./fetch.ts";
import { testApp, type TestApp } from "../testing/http-app.ts";

const config = (more: string): string => `version: v1
functions:
  - name: chance
    on: { event: dice.* }
    code: ${import.meta.dirname}/../../fixtures/chance.wasm
    retry: { attempts: 1 }
    ${more}
`;

/** Publishes an event whose data has what the function is to do; its record. */
async function thrown(app: TestApp, what: string, id = "1") {
  const { json } = await app.ask("POST", "/events/dice.thrown?wait=20s", {
    headers: { "content-type": "application/json", "ce-id": id },
    body: JSON.stringify({ card: { number: "4111" }, do: `!${what}` }),
  });
  return json.invocations[0];
}

async function exported(app: TestApp, id: string, query = ""): Promise<RecordingFile> {
  const path = `/invocations/${id}/recording${query}`;
  const { status, headers } = await app.ask("GET", path);
  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "application/vnd.nexus.recording");
  assert.equal(headers.get("content-disposition"), `attachment; filename="${id}.nxr"`);
  const answer = await toFetch(app.handler)(new Request(`http://test${path}`));
  return decodeRecordingFile(new Uint8Array(await answer.arrayBuffer()), "it");
}

test("GET /invocations/{id}/recording has the run's event, record, version, and its module where asked", async () => {
  await using app = await testApp(config(""));
  const record = await thrown(app, "rx");
  const bare = await exported(app, record.id);
  assert.deepEqual(bare.invocation, record);
  assert.equal(bare.event.event.id, "1");
  assert.equal(bare.module, undefined);
  assert.deepEqual(bare.redacted, []);
  const whole = await exported(app, record.id, "?with_module=true");
  assert.deepEqual([...whole.module!.subarray(0, 4)], [0, 97, 115, 109]);
  const wrong = await app.ask("GET", `/invocations/${record.id}/recording?with_module=yes`);
  assert.equal(wrong.json.code, "REQUEST_INVALID");
  const none = await app.ask("GET", "/invocations/none/recording");
  assert.equal(none.json.code, "INVOCATION_NOT_FOUND");
});

test("GET /invocations/{id}/recording replaces what redact: names, and the file says so", async () => {
  await using app = await testApp(config("redact: [data.card.number, data.none]"));
  const record = await thrown(app, "r");
  const file = await exported(app, record.id);
  assert.deepEqual(file.redacted, ["data.card.number"]);
  assert.ok(!Buffer.from(file.event.event.json).includes("4111"));
  assert.deepEqual(decodeRecording(file.recording).notHermetic, ["redacted"]);
  const { text } = await app.ask("GET", "/events/1");
  assert.ok(text.includes("4111"), "the log keeps the event as it came");
  assert.equal((await app.ask("POST", `/invocations/${record.id}/replay`)).json.identical, true);
});

test("GET /invocations/{id}/recording replaces what the function names now, though its version did not", async () => {
  await using app = await testApp(config(""));
  const record = await thrown(app, "r");
  await app.deploy(config("redact: [data.card]"));
  assert.deepEqual((await exported(app, record.id)).redacted, ["data.card"]);
});

test("GET /invocations/{id}/recording of which only output was replaced stays hermetic", async () => {
  await using app = await testApp(
    config('redact: [output.a]\n    env: { OUTPUT: \'{"a":"x"}\' }').replace(
      "chance.wasm",
      "probe.wasm",
    ),
  );
  const file = await exported(app, (await thrown(app, "")).id);
  assert.equal(file.invocation.output, '{"a":"redacted-1"}');
  assert.deepEqual(file.redacted, ["output.a"]);
  assert.deepEqual(decodeRecording(file.recording).notHermetic, []);
});

test("GET /invocations/{id}/recording comes to the same in another runtime, whatever chance gave it", async () => {
  await using app = await testApp(config("scratch: 1Mi"));
  const elsewhere = threadRuntime({ workers: 1 });
  const effects = { secretsFor: () => undefined };
  const deps = { runtime: elsewhere, versions: new RerunVersions(elsewhere), effects };
  const does = fc.array(fc.constantFrom(...Array.from("rmptxyfelruq")), { maxLength: 30 });
  let count = 0;
  try {
    await fc.assert(
      fc.asyncProperty(does, async (letters) => {
        const { id } = await thrown(app, letters.join(""), `event ${(count += 1)}`);
        const file = await exported(app, id, "?with_module=true");
        const version = await versionOf(file.version, partsAmong([file.module!]));
        const { invocation: recorded, event } = file;
        const recording = decodeRecording(file.recording);
        const again = await runAgain({ recorded, event, recording }, version, deps);
        assert.deepEqual([again.differs, again.not_hermetic], [[], []]);
      }),
      { numRuns: 200 },
    );
  } finally {
    await elsewhere.close();
  }
});

async function why(app: TestApp, id: string): Promise<string> {
  const replay = await app.ask("POST", `/invocations/${id}/replay`);
  const recording = await app.ask("GET", `/invocations/${id}/recording`);
  assert.equal(replay.json.code, "RECORDING_NOT_FOUND");
  assert.equal(recording.json.detail, replay.json.detail);
  return replay.json.detail;
}

test("record: off keeps no recording, and a replay says why there is none", async () => {
  await using app = await testApp(config("record: off"));
  const record = await thrown(app, "x");
  assert.equal(record.status, "succeeded");
  assert.match(await why(app, record.id), /was kept: its function says "record: off"$/);
  assert.equal((await app.ask("GET", "/functions/chance")).json.record, "off");
});

test("record: failures keeps the recordings of runs that did not succeed", async () => {
  await using app = await testApp(config("record: failures"));
  const good = await thrown(app, "x", "1");
  const bad = await thrown(app, "xq", "2");
  assert.match(await why(app, good.id), /says "record: failures", and it succeeded$/);
  assert.equal((await app.ask("POST", `/invocations/${bad.id}/replay`)).json.identical, true);
});

test("record: sample(50%) keeps the recordings of some events, and says so of the others", async () => {
  await using app = await testApp(config('record: "sample(50%)"'));
  let kept = 0;
  for (let at = 0; at < 12; at += 1) {
    const { id } = await thrown(app, "x", `event-${at}`);
    const { status } = await app.ask("POST", `/invocations/${id}/replay`);
    if (status === 200) kept += 1;
    else assert.match(await why(app, id), /"record: sample\(50%\)", and its event is not in the/);
  }
  assert.ok(kept > 0 && kept < 12, `${kept} of 12: which ones is fixed by their ids`);
});

test("a function that says record: full has the version that it has where it says nothing", async () => {
  await using app = await testApp(config(""));
  const { version } = (await app.ask("GET", "/functions/chance")).json;
  await app.deploy(config("record: full\n    redact: []"));
  assert.equal((await app.ask("GET", "/functions/chance")).json.version, version);
  await app.deploy(config("record: failures"));
  assert.notEqual((await app.ask("GET", "/functions/chance")).json.version, version);
});
