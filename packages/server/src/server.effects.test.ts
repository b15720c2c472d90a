// Host calls from nexus.yaml to the record: a real server, a real store, a real HTTP server beside it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { Invocation } from "./core/invocation.ts";
import { decodeRecording } from "./core/recording.ts";
import { decodeRecordingFile } from "./core/recording-file.ts";
import type { Rerun } from "./dispatch/run-again.ts";
import { callsOn } from "./runtime/taped-call.ts";
import { FIXTURES, testServer, type TestServer } from "./testing/server.ts";

const SECRETS = { values: { API_KEY: "open sesame", OTHER: "not granted" } };

interface FarEnd extends AsyncDisposable {
  readonly port: number;
  readonly seen: IncomingHttpHeaders[];
}

async function farEnd(): Promise<FarEnd> {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    response.end(`answer ${seen.length}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const config = (port: number, more = "") => `version: v1
functions:
  - name: effects
    on: { event: com.example.effects }
    code: ${FIXTURES}effects.wasm
    kv: true
    fetch: { allow: ["127.0.0.1:${port}"], allow_private: true }
    secrets: [API_KEY, MISSING]
    retry: { attempts: 1 }
    ${more}
`;

async function run(server: TestServer, lines: readonly string[]): Promise<Invocation> {
  const { body } = await server.post<{ readonly invocations: readonly Invocation[] }>(
    "/events/com.example.effects?wait=20s",
    `!${lines.join(";")}`,
  );
  const [first] = body.invocations;
  return await server.get<Invocation>(`/invocations/${first!.id}`);
}

const rerun = async (server: TestServer, id: string): Promise<Rerun> =>
  (await server.post<Rerun>(`/invocations/${id}/replay`)).body;

test("POST /invocations/{id}/replay of a run with every host call asks nobody and is identical", async () => {
  await using far = await farEnd();
  await using server = await testServer(config(far.port), { secrets: SECRETS });
  const lines = [
    "new count 1",
    "get count",
    "cas count 2",
    "tmp soon gone",
    "list ",
    "del soon",
    "secret API_KEY",
    "secret MISSING",
    "secret OTHER",
    "header API_KEY",
    `fetch POST http://127.0.0.1:${far.port}/a hello`,
    `fetch GET http://127.0.0.1:${far.port + 1}/`,
    "fetch GET http://example.com/",
  ];
  const first = await run(server, lines);
  assert.equal(first.error, null);
  const warnings = server.lines.filter((line) => line.includes("a secret that is not given"));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /"function":"effects","secret":"MISSING"/);
  assert.match(
    first.output,
    /^new: done\nget: 1\ncas: done\ntmp: done\nlist: 2 count=2 soon=gone\n/,
  );
  assert.match(first.output, /secret: 11 bytes\nsecret: error 44[^]*secret: error 44/);
  assert.match(first.output, /fetch: 200\n[^]*answer 1\n/);
  assert.match(first.output, /fetch: error 2 \("example\.com", which is not in `fetch\.allow`\)/);
  const [headers] = far.seen;
  assert.equal(headers!.authorization, "Bearer open sesame");
  assert.match(headers!["idempotency-key"] as string, /-1$/);
  assert.match(String(headers!.traceparent), new RegExp(`^00-${first.trace_id}-`));

  const again = await rerun(server, first.id);
  assert.deepEqual(again.differs, []);
  assert.equal(again.identical, true);
  assert.deepEqual(again.not_hermetic, []);
  assert.equal(far.seen.length, 1, "nobody was asked again");

  // Neither what is kept now nor who listens now has a part in it.
  await run(server, ["set count 99"]);
  await far[Symbol.asyncDispose]();
  assert.equal((await rerun(server, first.id)).identical, true);
  assert.match((await run(server, ["get count"])).output, /^get: 99\n/);
});

test("POST /replay/{event_id} asks again, with the key that the first run had", async () => {
  await using far = await farEnd();
  await using server = await testServer(config(far.port), { secrets: SECRETS });
  const first = await run(server, [`fetch GET http://127.0.0.1:${far.port}/`, "set at 1"]);
  const { body } = await server.post<{ readonly invocations: readonly Invocation[] }>(
    `/replay/${first.event_id}`,
  );
  const second = await server.get<Invocation>(`/invocations/${body.invocations[0]!.id}`);
  assert.match(second.output, /answer 2/);
  const keys = far.seen.map((headers) => headers["idempotency-key"]);
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
});

test("kv values outlive a restart, and each function has its own", async () => {
  const yaml = `${config(1)}
  - name: other
    on: { event: com.example.effects }
    code: ${FIXTURES}effects.wasm
    kv: true
    fetch: { allow: [example.com] }
    secrets: [API_KEY]
`;
  const first = await testServer(yaml, { secrets: SECRETS });
  const { body } = await first.post<{ readonly invocations: readonly Invocation[] }>(
    "/events/com.example.effects?wait=20s",
    "!new a 1",
  );
  for (const { id } of body.invocations) {
    const { output } = await first.get<Invocation>(`/invocations/${id}`);
    assert.equal(output, "new: done\n", "neither saw the other's");
  }
  await using second = await first.restart();
  assert.equal((await run(second, ["get a"])).output, "get: 1\n");
});

test("POST /invocations/{id}/replay with another secret than then diverges, and says which", async () => {
  const server = await testServer(config(1), { secrets: SECRETS });
  const { id } = await run(server, ["secret API_KEY"]);
  const changed = { secrets: { values: { API_KEY: "open barley" } } };
  await using after = await server.restart(config(1), changed);
  const { identical, differs, replayed } = await rerun(after, id);
  assert.equal(identical, false);
  assert.equal(differs[0], "recording");
  assert.match(String(replayed.error?.message), /the secret "API_KEY" is not what it was$/);
});

test("GET /functions/{name} tells what a function is granted, and no secret's value", async () => {
  await using server = await testServer(config(8080), { secrets: SECRETS });
  const told = await server.get<{ readonly grants: unknown }>("/functions/effects");
  assert.deepEqual(told.grants, {
    kv: true,
    fetch: {
      allow: ["127.0.0.1:8080"],
      allow_private: true,
      timeout_ms: 10_000,
      max_response_bytes: 256 * 1024,
      max_requests: 20,
      max_redirects: 5,
    },
    secrets: ["API_KEY", "MISSING"],
  });
  assert.equal(JSON.stringify(told).includes("sesame"), false);
});

test("startServer() refuses a module that imports what it is not granted, and names the grant", async () => {
  const ungranted = `version: v1
functions:
  - { name: f, on: { event: a }, code: ${FIXTURES}effects.wasm, fetch: { allow: [example.com] }, secrets: [A] }
`;
  await assert.rejects(testServer(ungranted), {
    code: "MODULE_INVALID",
    message: /imports "nexus"\."kv_\w+", which its settings do not grant \(add `kv: true`\)/,
  });
});

test("redact: with a path into fetch replaces what an answer has before the recording is kept, and the recording says so", async () => {
  const far = createServer((_, response) => {
    response.setHeader("Set-Cookie", "session=c00k1e; Path=/");
    response.setHeader("Content-Type", "application/json");
    response.end('{"token": "t0k3n", "card": {"last": 4242}, "ok": true}');
  });
  far.listen(0, "127.0.0.1");
  await once(far, "listening");
  const { port } = far.address() as AddressInfo;
  const redact =
    "redact: [fetch.headers.set-cookie, fetch.body.token, fetch.body.card, fetch.body.none]";
  await using server = await testServer(config(port, redact), { secrets: SECRETS });
  const { id, output } = await run(server, [`fetch GET http://127.0.0.1:${port}/login`]);
  far.close().closeAllConnections();
  assert.match(output, /t0k3n/, "the function was given all of it");

  const response = await fetch(`${server.url}/invocations/${id}/recording`);
  const file = decodeRecordingFile(new Uint8Array(await response.arrayBuffer()), "the answer");
  const recording = decodeRecording(file.recording);
  assert.deepEqual(recording.notHermetic, ["redacted"]);
  const tape = Buffer.from(recording.tape);
  for (const secret of ["c00k1e", "t0k3n", "4242"]) assert.ok(!tape.includes(secret), secret);
  const [call] = callsOn(tape);
  const answer = Buffer.from(call!.payload).toString();
  assert.match(answer, /^200\n(?:.+\n)*set-cookie: redacted-\d\n/);
  assert.match(answer, /\n\n\{"token":"redacted-\d","card":\{"last":0\},"ok":true\}$/);

  const again = await rerun(server, id);
  assert.deepEqual(again.not_hermetic, ["redacted"]);
  assert.deepEqual(again.differs, ["output"], "it is given what was kept");
});
