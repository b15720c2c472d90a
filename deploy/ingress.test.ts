import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { FIXTURES, testServer, type TestServer } from "@nexus-functions/server/testing/server";
import { nginxConf } from "./testing/ingress-nginx.ts";
import { appliedManifests, inRepository, type Manifest } from "./testing/manifest.ts";
import { needNginx, openDoor, withAnnotations, type Answer, type Door } from "./testing/nginx.ts";

const RATE = 100;
const BURST = 500;
const JSON_TYPE = { "content-type": "application/json" };

// "slow" works for as long as the shortest timeout that a door of these tests has, and more.
const CONFIG = `version: v1
functions:
  - name: slow
    on: { event: com.example.slow }
    code: ${FIXTURES}probe.wasm
    timeout: 30s
    env: { SPIN_MS: "2000" }
`;

let ingress: Manifest;
let server: TestServer;
let door: Door;

before(async () => {
  await needNginx();
  const manifests = await appliedManifests(inRepository("k8s"));
  ingress = manifests.find(({ kind }) => kind === "Ingress")!;
  server = await testServer(CONFIG);
  door = await openDoor(ingress, server.url);
});

after(async () => {
  await door[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

test("ingress: a request without TLS is sent to the same path with TLS, and keeps its method", async () => {
  const answer = await door.ask("/events?type=a", { plain: true, method: "POST", body: "{}" });
  assert.equal(answer.status, 308);
  assert.equal(answer.headers.location, "https://nexus.example.com/events?type=a");
});

test("ingress: TLS reaches the server, and tells browsers to stay with it", async () => {
  const answer = await door.ask("/health");
  assert.equal(answer.status, 200);
  assert.match(answer.headers["strict-transport-security"]!, /^max-age=31536000/);
  assert.equal(answer.headers["x-content-type-options"], "nosniff");
});

test("ingress: another host is not answered by the server", async () => {
  const answer = await door.ask("/health", { headers: { host: "elsewhere.example.com" } });
  assert.equal(answer.status, 404);
  assert.doesNotMatch(answer.text, /uptime/);
});

test("ingress: an event's trace goes on through it", async () => {
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const answer = await door.ask("/events/com.example.traced", {
    method: "POST",
    headers: { ...JSON_TYPE, traceparent: `00-${trace}-00f067aa0ba902b7-01` },
    body: "{}",
  });
  assert.equal(answer.status, 202);
  assert.equal((JSON.parse(answer.text) as { readonly trace_id: string }).trace_id, trace);
});

test("ingress: the largest event passes, one that is larger is refused by the server with its code, one over the limit by nginx", async () => {
  const publish = (bytes: number): Promise<Answer> =>
    door.ask("/events/com.example.large", {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: "x".repeat(bytes),
    });
  assert.equal((await publish(1000 * 1024)).status, 202);
  const overServers = await publish(1024 * 1024 + 1);
  assert.equal(overServers.status, 413);
  assert.equal((JSON.parse(overServers.text) as { readonly code: string }).code, "EVENT_TOO_LARGE");
  const underNginx = await publish(2 * 1024 * 1024);
  assert.equal((JSON.parse(underNginx.text) as { readonly code: string }).code, "EVENT_TOO_LARGE");
  const overNginx = await publish(2 * 1024 * 1024 + 1);
  assert.equal(overNginx.status, 413);
  assert.match(overNginx.text, /<center>nginx/);
});

test("ingress: a wait outlives the timeouts of connecting and sending, and only that of reading could end it", async () => {
  const wait: [string, object] = [
    "/events/com.example.slow?wait=20s",
    { method: "POST", headers: JSON_TYPE, body: "{}" },
  ];
  await using patient = await openDoor(
    withAnnotations(ingress, { "proxy-connect-timeout": "1", "proxy-send-timeout": "1" }),
    server.url,
  );
  await using hasty = await openDoor(
    withAnnotations(ingress, { "proxy-read-timeout": "1" }),
    server.url,
  );
  const [waited, cut] = await Promise.all([patient.ask(...wait), hasty.ask(...wait)]);
  assert.equal(waited.status, 200);
  const { invocations } = JSON.parse(waited.text) as {
    readonly invocations: readonly { readonly status: string }[];
  };
  assert.deepEqual(
    invocations.map(({ status }) => status),
    ["succeeded"],
  );
  assert.equal(cut.status, 504);
});

test("ingress: no wait that the server grants is as long as the timeout of reading", async () => {
  const timeout = ingress.metadata.annotations!["nginx.ingress.kubernetes.io/proxy-read-timeout"];
  const publish = (wait: string): Promise<Answer> =>
    door.ask(`/events/com.example.nobody?wait=${wait}`, {
      method: "POST",
      headers: JSON_TYPE,
      body: "{}",
    });
  assert.equal((await publish("5m")).status, 200);
  assert.equal((await publish(`${timeout}s`)).status, 400);
});

test("ingress: server-sent events come one by one, while the stream is open", async () => {
  const stream = await door.open("/events/stream?type=com.example.streamed");
  assert.equal(stream.headers["content-type"], "text/event-stream");
  const seen: string[] = [];
  stream.setEncoding("utf8");
  for await (const text of stream as AsyncIterable<string>) {
    seen.push(text);
    const all = seen.join("");
    const events = [...all.matchAll(/"id":"streamed-(\d)"/g)].map(([, n]) => n);
    if (events.length === 3) break;
    // The next one is sent only when the one before it has come through.
    if (!all.endsWith("\n\n")) continue;
    await door.ask("/events/com.example.streamed", {
      method: "POST",
      headers: { ...JSON_TYPE, "ce-id": `streamed-${events.length + 1}` },
      body: "{}",
    });
  }
  assert.match(seen[0]!, /^: connected/);
});

test("ingress: the server learns the client's address, host and scheme from nginx, and not from the client", async () => {
  const headers = await headersBehind(async (door) => {
    await door.ask("/anything", {
      from: "127.0.0.9",
      headers: {
        "x-forwarded-for": "10.9.9.9",
        "x-real-ip": "10.9.9.9",
        "x-forwarded-proto": "http",
        "ce-id": "kept",
      },
    });
  });
  assert.equal(headers["x-forwarded-for"], "127.0.0.9");
  assert.equal(headers["x-real-ip"], "127.0.0.9");
  assert.equal(headers["x-original-forwarded-for"], "10.9.9.9");
  assert.equal(headers["x-forwarded-proto"], "https");
  assert.equal(headers["x-forwarded-host"], "nexus.example.com");
  assert.equal(headers.host, "nexus.example.com");
  assert.equal(headers["ce-id"], "kept");
});

test("ingress: an address gets 100 requests a second and a burst of 500, then 503, while another address is served", async () => {
  const count = 2000;
  const begun = performance.now();
  const answers = await Promise.all(
    Array.from({ length: count }, () => door.ask("/livez", { from: "127.0.0.3" })),
  );
  const seconds = (performance.now() - begun) / 1000;
  const served = answers.filter(({ status }) => status === 200).length;
  const refused = answers.filter(({ status }) => status === 503).length;
  assert.equal(served + refused, count);
  assert.ok(served > BURST, `${served} served`);
  // One more than the burst, and one for each hundredth of a second since, of which nginx counts the last one begun.
  const most = 1 + BURST + Math.ceil(RATE * seconds) + 1;
  assert.ok(served <= most, `${served} served in ${seconds} s, at most ${most} allowed`);
  assert.equal((await door.ask("/livez", { from: "127.0.0.4" })).status, 200);
});

test("ingress: with CORS as the file shows it, one origin's preflight is answered, and answers are marked for it", async () => {
  assert.equal((await door.ask("/health")).headers["access-control-allow-origin"], undefined);
  const options = await optionsInComments();
  assert.equal(options["enable-cors"], "true");
  await using open = await openDoor(withAnnotations(ingress, options), server.url);
  const preflight = await open.ask("/events/com.example.browser", {
    method: "OPTIONS",
    headers: { origin: "https://app.example.com", "access-control-request-method": "POST" },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers["access-control-allow-origin"], "https://app.example.com");
  assert.equal(preflight.headers["access-control-allow-methods"], "GET, POST, OPTIONS");
  const answer = await open.ask("/health", { headers: { origin: "https://app.example.com" } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["access-control-allow-origin"], "https://app.example.com");
});

test("nginxConf() refuses an annotation that it does not translate", () => {
  const place = {
    folder: "/nowhere",
    httpPort: 1,
    httpsPort: 2,
    upstream: "127.0.0.1:3",
    certificate: "",
    key: "",
  };
  assert.throws(
    () => nginxConf(withAnnotations(ingress, { "limit-rpss": "1" }), place),
    /annotation "limit-rpss" is not known/,
  );
});

/** What a request through the door has in front of the server. */
async function headersBehind(use: (door: Door) => Promise<void>): Promise<IncomingHttpHeaders> {
  const { promise, resolve } = Promise.withResolvers<IncomingHttpHeaders>();
  const recorder = createServer((request, response) => {
    resolve(request.headers);
    response.end();
  }).listen(0, "127.0.0.1");
  await once(recorder, "listening");
  try {
    const { port } = recorder.address() as AddressInfo;
    await using door = await openDoor(ingress, `http://127.0.0.1:${port}`);
    await use(door);
    return await promise;
  } finally {
    recorder.closeAllConnections();
    recorder.close();
  }
}

/** The annotations that ingress.yaml shows as comments. */
async function optionsInComments(): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(inRepository("k8s/ingress.yaml"), "utf8");
  const found = text.matchAll(/^ *# nginx\.ingress\.kubernetes\.io\/([\w-]+): "?([^"\n]*)"?$/gm);
  return Object.fromEntries([...found].map(([, name, value]) => [name!, value!]));
}
