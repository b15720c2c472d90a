// The client against a real server on a real socket.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { probes, testServer, type TestServer } from "@nexus-functions/server/testing/server";
import { createClient, type NexusClient, type StreamItem } from "./client.ts";
import type { NexusProblem } from "./problem.ts";

let server: TestServer;
let client: NexusClient;

before(async () => {
  server = await testServer(
    probes(
      { name: "worker", on: "{ event: order.* }" },
      {
        name: "broken",
        on: "{ event: bad }",
        yaml: "env: { FAIL_UNTIL: '9' }\nretry: { attempts: 1 }",
      },
    ),
  );
  client = createClient({ url: server.url });
});

after(async () => server[Symbol.asyncDispose]());

test("publish() waits for the functions when asked to, and says what a duplicate is", async () => {
  const event = { id: "p-1", source: "/test", type: "order.placed", data: { n: 1 } };
  const first = await client.publish(event, { wait: "20s" });
  assert.equal(first.status, "accepted");
  assert.equal(first.invocations?.[0]?.status, "succeeded");
  const again = await client.publish(event);
  assert.equal(again.status, "duplicate");
  assert.equal(again.position, first.position);
});

test("publishBatch() takes all events or none", async () => {
  const good = { id: "b-1", source: "/test", type: "other" };
  const bad = { id: "", source: "/test", type: "other" };
  await assert.rejects(client.publishBatch([good, bad]), (error: NexusProblem) => {
    assert.equal(error.code, "EVENT_INVALID");
    assert.equal(error.status, 400);
    assert.match(error.traceId, /^[0-9a-f]{32}$/);
    return true;
  });
  await assert.rejects(client.getEvent("b-1"), { code: "EVENT_NOT_FOUND" });
  const accepted = await client.publishBatch([good, { ...good, id: "b-2" }]);
  assert.deepEqual(
    accepted.map(({ event_id: id }) => id),
    ["b-1", "b-2"],
  );
});

test("publishPlain() carries any text in the attributes it is given", async () => {
  const id = 'naïve "quoted" 100% 🎈';
  const accepted = await client.publishPlain("other", '{"a":1}', {
    contentType: "application/json",
    id,
    source: "/s?x=1",
    subject: "a b",
  });
  assert.equal(accepted.event_id, id);
  const event = await client.getEvent(id);
  assert.equal(event.source, "/s?x=1");
  assert.equal(event.subject, "a b");
  assert.deepEqual(event.data, { a: 1 });
});

test("publishPlain() keeps bytes as they are", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  const { event_id: id } = await client.publishPlain("other", bytes, {
    contentType: "application/octet-stream",
  });
  const event = await client.getEvent(id);
  assert.deepEqual(new Uint8Array(Buffer.from(event.data_base64!, "base64")), bytes);
});

test("events() and invocations() go through all pages, newest first", async () => {
  const batch = Array.from({ length: 25 }, (_, n) => ({
    id: `page-${n}`,
    source: "/t",
    type: "paged",
  }));
  await client.publishBatch(batch);
  const ids: string[] = [];
  for await (const event of client.events({ type: "paged", limit: 10 })) ids.push(event.id);
  assert.deepEqual(ids, batch.map(({ id }) => id).toReversed());
  const [newest] = await Array.fromAsync(client.invocations({ function: "worker" }));
  assert.equal(newest?.function, "worker");
});

test("replay() runs an event again, and the records tell", async () => {
  const { event_id: id } = await client.publishPlain("order.replayed", "{}", { wait: "20s" });
  const { invocations } = await client.replay(id, { function: "worker" });
  assert.equal(invocations[0]?.trigger, "replay");
  assert.equal((await client.listEventInvocations(id)).length, 2);
  assert.equal((await client.getInvocation(invocations[0].id)).trigger, "replay");
  await assert.rejects(client.replay(id, { function: "nobody" }), { code: "FUNCTION_NOT_FOUND" });
});

test("dead letters are listed, read and redriven", async () => {
  await client.publishPlain("bad", "{}", { wait: "20s" });
  const [letter] = await Array.fromAsync(client.deadLetters({ function: "broken" }));
  assert.equal((await client.getDeadLetter(letter!.id)).error.code, "FUNCTION_FAILED");
  assert.equal((await client.redrive(letter!.id)).redriven, 1);
  await assert.rejects(client.redrive(letter!.id), { code: "DEAD_LETTER_NOT_FOUND" });
  assert.equal((await client.redriveMany({ function: "worker" })).redriven, 0);
});

test("functions, health, readiness, metrics and the API's own description can be read", async () => {
  const names = (await client.listFunctions()).map(({ name }) => name);
  assert.deepEqual(names, ["broken", "worker"]);
  assert.equal((await client.getFunction("worker")).triggers[0]?.kind, "event");
  assert.equal((await client.health()).status, "ok");
  assert.equal((await client.readyz()).ready, true);
  assert.equal((await client.metrics())["nexus_functions"]?.type, "gauge");
  assert.match(await client.metricsText(), /^nexus_functions 2$/m);
  assert.equal((await client.openapi())["openapi"], "3.1.0");
});

test("stream() gives events and records as they happen, until it is aborted", async () => {
  const controller = new AbortController();
  const seen: StreamItem[] = [];
  for await (const item of publishOnceConnected(controller.signal)) {
    seen.push(item);
    if (item.kind === "invocation") controller.abort();
  }
  assert.deepEqual(
    seen.map(({ kind }) => kind),
    ["event", "invocation"],
  );
});

// The stream begins when its connection stands, which shows only in what it gives: so events are
// published until the first one comes out.
async function* publishOnceConnected(signal: AbortSignal) {
  const connected = new AbortController();
  const publishing = (async () => {
    while (!connected.signal.aborted) {
      await client.publishPlain("unmatched", "{}");
    }
    await client.publishPlain("order.streamed", "{}");
  })();
  for await (const item of client.stream({}, signal)) {
    connected.abort();
    if (item.kind === "event" && item.event.type === "unmatched") continue;
    // Of a run that an earlier test left behind.
    if (item.kind === "invocation" && item.invocation.event_type !== "order.streamed") continue;
    yield item;
  }
  await publishing;
}

test("every method says which server cannot be reached, and how to start one", async () => {
  const nobody = createClient({ url: "http://127.0.0.1:1" });
  await assert.rejects(nobody.listEvents(), (error: NexusProblem) => {
    assert.equal(error.code, "UNREACHABLE");
    assert.match(
      error.message,
      /^Cannot connect to http:\/\/127\.0\.0\.1:1: is the server running\?/,
    );
    return true;
  });
});
