import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { testApp, type TestApp } from "../testing/http-app.ts";
import { wasiModule } from "../testing/modules.ts";

const config = (more = ""): string => `version: v1
functions:
  - name: chance
    on: { event: dice.* }
    code: ${import.meta.dirname}/../../fixtures/chance.wasm
    scratch: 1Mi
    retry: { attempts: 1 }
    ${more}
`;

/** Publishes an event whose data is what the function is to do; the id of its run. */
async function thrown(app: TestApp, what: string): Promise<string> {
  const { json } = await app.ask("POST", "/events/dice.thrown?wait=20s", {
    headers: { "content-type": "application/json" },
    body: JSON.stringify(`!${what}`),
  });
  return json.invocations[0].id;
}

const rerun = (app: TestApp, id: string) => app.ask("POST", `/invocations/${id}/replay`);

test("POST /invocations/{id}/replay runs it again bit for bit, and leaves nothing behind", async () => {
  await using app = await testApp(config());
  const id = await thrown(app, "rmptxysfell");
  const { events } = (await app.ask("GET", "/events")).json;
  const { status, json } = await rerun(app, id);
  assert.equal(status, 200);
  assert.deepEqual(json.differs, []);
  assert.equal(json.identical, true);
  assert.deepEqual(json.not_hermetic, []);
  assert.deepEqual(json.hashes.replayed, json.hashes.recorded);
  assert.equal(json.replayed.output, json.recorded.output);
  assert.equal(json.recorded.id, id);
  assert.equal(json.version, json.recorded.version);
  assert.deepEqual((await app.ask("GET", "/events")).json.events, events, "nothing is emitted");
  assert.equal((await app.ask("GET", "/invocations")).json.invocations.length, 1);
});

test("POST /invocations/{id}/replay does a run that failed again, and says that it is the same", async () => {
  await using app = await testApp(config());
  for (const what of ["xq", "xu"]) {
    const { json } = await rerun(app, await thrown(app, what));
    assert.equal(json.identical, true, JSON.stringify(json.differs));
    assert.equal(json.replayed.status, json.recorded.status);
    assert.deepEqual(json.replayed.error, json.recorded.error);
  }
});

test("POST /invocations/{id}/replay runs the version that it ran on, when another has followed it", async () => {
  await using app = await testApp(config("env: { SIDE: one }"));
  const id = await thrown(app, "rx");
  await app.deploy(config("env: { SIDE: two }"));
  const later = await thrown(app, "rx");
  const [first, second] = [await rerun(app, id), await rerun(app, later)];
  assert.equal(first.json.identical, true);
  assert.equal(second.json.identical, true);
  assert.notEqual(first.json.version, second.json.version);
});

test("POST /invocations/{id}/replay says that the host had ended a run, which need not be the same again", async () => {
  await using app = await testApp(config("timeout: 50ms"));
  const id = await thrown(app, "s".repeat(20_000));
  const { json } = await rerun(app, id);
  assert.equal(json.recorded.status, "timed_out");
  assert.deepEqual(json.not_hermetic, ["stopped"]);
});

test("POST /invocations/{id}/replay refuses what it cannot run again, and says why", async () => {
  await using app = await testApp(config());
  const { status, json } = await rerun(app, "nothing");
  assert.equal(status, 404);
  assert.equal(json.code, "INVOCATION_NOT_FOUND");
});

test("POST /invocations/{id}/replay says that a run came to the end of the machine's own stack", async () => {
  const dir = await mkdtemp(join(tmpdir(), "nexus-stack-"));
  const module = join(dir, "deep.wasm");
  await writeFile(
    module,
    await wasiModule(`(func $down (call $down) (drop (memory.size)))
      (func (export "_start") (call $down))`),
  );
  await using app = await testApp(
    config()
      .replace(/code: .*/, `code: ${module}`)
      .replace("scratch: 1Mi", ""),
  );
  const { json } = await rerun(app, await thrown(app, "r"));
  assert.deepEqual(json.recorded.limits_reached, ["stack"]);
  assert.deepEqual(json.not_hermetic, ["stack"]);
  await rm(dir, { recursive: true });
});
