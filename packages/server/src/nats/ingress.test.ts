import assert from "node:assert/strict";
import { connect as connectSocket } from "node:net";
import { after, before, describe, test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers as newHeaders } from "@nats-io/transport-node";
import { NexusError } from "../core/errors.ts";
import { eventValue, type StoredEvent } from "../core/event.ts";
import type { EventLog } from "../log/log.ts";
import { startNats, type TestNats } from "../testing/nats.ts";
import { all, testDoor, type TestDoor } from "../testing/nats-door.ts";
import { until } from "../testing/until.ts";
import { INBOX, REJECTED_EVENT } from "./rejected.ts";

const TIMEOUT = { timeout: 60_000 };
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

function structured(id: string, members: object = {}): string {
  const event = { specversion: "1.0", id, source: "/shop", type: "order.placed", ...members };
  return JSON.stringify(event);
}

async function events(log: EventLog, type = "*"): Promise<StoredEvent[]> {
  return all((cursor) =>
    log.list({ type }, { limit: 1000, ...(cursor === undefined ? {} : { cursor }) }),
  );
}

function deadLetters(log: EventLog) {
  return all((cursor) =>
    log.deadLetters.list({}, { limit: 1000, ...(cursor === undefined ? {} : { cursor }) }),
  );
}

/** Resolves when the inbox is empty: everything is kept in one way or the other. */
async function emptied({ client }: TestDoor): Promise<void> {
  const manager = await jetstreamManager(client);
  await until(
    () => manager.streams.info("NEXUS_INBOX"),
    ({ state }) => state.messages === 0,
  );
}

describe("the inbox", TIMEOUT, () => {
  let nats: TestNats;
  before(async () => {
    nats = await startNats();
  });
  after(() => nats[Symbol.asyncDispose]());

  test("takes an event that any NATS client publishes, and functions run", async () => {
    const functions = `[{ name: echo, on: { event: order.* }, code: ./echo.wasm }]`;
    await using t = await testDoor(nats.url, { functions });
    t.client.publish("nexus.in.whatever", structured("core", { data: { n: 1 } }));
    const ack = await jetstream(t.client).publish("nexus.in.order.placed", structured("js"));
    assert.equal(ack.stream, "NEXUS_INBOX");
    const reply = await t.client.request("nexus.in.x", structured("request"), { timeout: 10_000 });
    assert.equal(reply.json<{ stream: string }>().stream, "NEXUS_INBOX");
    const records = await until(
      () => t.log.invocations.list({ function: "echo" }, { limit: 10 }),
      ({ items }) => items.length === 3,
    );
    assert.deepEqual(records.items.map((one) => one.event_id).sort(), ["core", "js", "request"]);
    assert.ok(
      records.items.every(({ trigger, status }) => trigger === "event" && status === "succeeded"),
    );
    const stored = await t.log.find("core");
    assert.deepEqual(eventValue(stored!.event)["data"], { n: 1 });
    await emptied(t);
  });

  test("takes headers, continues the trace in them, and tells an event's second copy", async () => {
    await using t = await testDoor(nats.url);
    const headers = newHeaders();
    headers.set("ce-specversion", "1.0");
    headers.set("ce-id", "h1");
    headers.set("ce-source", "/shop");
    headers.set("ce-type", "order.placed");
    headers.set("ce-datacontenttype", "application/json");
    headers.set("traceparent", `00-${TRACE}-00f067aa0ba902b7-01`);
    await jetstream(t.client).publish("nexus.in.x", "[1]", { headers });
    await jetstream(t.client).publish("nexus.in.x", structured("h1"));
    await emptied(t);
    const kept = await events(t.log);
    assert.equal(kept.length, 1);
    assert.deepEqual(eventValue(kept[0]!.event)["data"], [1]);
    assert.equal(kept[0]!.meta.traceparent.slice(3, 35), TRACE);
    const span = t.spans.find(({ name }) => name === "receive nexus.in.x")!;
    assert.equal(span.parentSpanId, "00f067aa0ba902b7");
    assert.equal(kept[0]!.meta.traceparent.slice(36, 52), span.trace.spanId);
  });

  test("makes an event of a plain body: its type is the subject's, its id the message's own", async () => {
    await using t = await testDoor(nats.url);
    t.client.publish("nexus.in.greeting.sent", "hello");
    t.client.publish("nexus.in.greeting.sent", "hello");
    await emptied(t);
    const kept = await events(t.log, "greeting.sent");
    assert.equal(kept.length, 2);
    assert.equal(new Set(kept.map(({ event }) => event.id)).size, 2);
    assert.ok(kept.every(({ event }) => eventValue(event)["data"] === "hello"));
  });

  test("keeps what is no event among the dead letters, with the reason, and goes on", async () => {
    await using t = await testDoor(nats.url, { yaml: "limits: { event: 2Ki }" });
    const headers = newHeaders();
    headers.set("ce-id", "1");
    t.client.publish("nexus.in.a", "x", { headers });
    t.client.publish("nexus.in.b", '{"specversion":"1.0"');
    t.client.publish("nexus.in.c", "x".repeat(100_000));
    t.client.publish("nexus.in.nexus.own", "x");
    t.client.publish("nexus.in.good", structured("good"));
    await emptied(t);
    assert.ok(await t.log.find("good"));
    const letters = await until(
      () => deadLetters(t.log),
      ({ length }) => length === 4,
    );
    assert.deepEqual(letters.map(({ error }) => error.code).sort(), [
      "BODY_INVALID",
      "EVENT_INVALID",
      "EVENT_INVALID",
      "EVENT_TOO_LARGE",
    ]);
    assert.ok(letters.every((one) => one.function === INBOX && one.event_type === REJECTED_EVENT));
    assert.deepEqual(t.rejected.toSorted(), letters.map(({ error }) => error.code).sort());
    const large = letters.find(({ error }) => error.code === "EVENT_TOO_LARGE")!;
    const stored = await t.log.find(large.event_id, large.event_source);
    const { data } = eventValue(stored!.event) as { data: Record<string, unknown> };
    assert.deepEqual(
      { ...data, payload_base64: String(data["payload_base64"]).length },
      {
        subject: "nexus.in.c",
        code: "EVENT_TOO_LARGE",
        reason: large.error.message,
        headers: {},
        payload_base64: Math.ceil((64 * 1024) / 3) * 4,
        payload_bytes: 100_000,
        complete: false,
      },
    );
    const record = await t.log.invocations.get(large.invocation_id);
    assert.equal(record!.error!.message, large.error.message);
  });

  test("keeps a message whose headers nobody can read, which nats-server does not look at", async () => {
    await using t = await testDoor(nats.url);
    // The client refuses to make such a name, so the bytes go past it.
    const socket = connectSocket({ host: "127.0.0.1", port: nats.port });
    const block = "NATS/1.0\r\nbad name: 1\r\n\r\n";
    socket.write(
      `CONNECT {"verbose":false,"headers":true}\r\nHPUB nexus.in.a ${block.length} ${block.length + 2}\r\n${block}{}\r\nPING\r\n`,
    );
    const [letter] = await until(
      () => deadLetters(t.log),
      ({ length }) => length === 1,
    );
    socket.destroy();
    assert.match(letter!.error.message, /headers must have names of printable ASCII/);
  });

  test("checks a redriven message again, by the rules that hold now", async () => {
    await using t = await testDoor(nats.url, { yaml: "limits: { event: 1Ki }" });
    t.client.publish("nexus.in.a", structured("big", { data: "x".repeat(2000) }));
    t.client.publish("nexus.in.a", '{"specversion":"1.0"}');
    const letters = await until(
      () => deadLetters(t.log),
      ({ length }) => length === 2,
    );
    const limits = t.deps.settings() as { eventBytes: number };
    limits.eventBytes = 1024 * 1024;
    for (const { id } of letters) assert.ok(await t.log.deadLetters.redrive(id));
    await until(() => t.log.find("big"), Boolean);
    const [again, ...others] = await until(
      () => deadLetters(t.log),
      ({ length }) => length === 1,
    );
    assert.deepEqual(others, []);
    assert.match(again!.error.message, /attribute "id" must be/);
    assert.ok(!letters.some(({ id }) => id === again!.id));
  });

  test("gives messages back while the log cannot take them, and loses none", async () => {
    let down = true;
    let refused = 0;
    await using t = await testDoor(nats.url, {
      log: (log) => ({
        ...log,
        append(events) {
          if (!down) return log.append(events);
          refused += 1;
          return Promise.reject(new NexusError("LOG_UNAVAILABLE", "Cannot append: it is away"));
        },
      }),
    });
    for (let i = 0; i < 50; i += 1) t.client.publish("nexus.in.a", structured(`e${i}`));
    t.client.publish("nexus.in.a", '{"specversion":"1.0"}');
    await until(
      () => refused,
      (count) => count > 51,
    );
    assert.deepEqual(await events(t.log), []);
    down = false;
    await emptied(t);
    assert.equal((await events(t.log)).length, 50);
    await until(
      () => deadLetters(t.log),
      ({ length }) => length === 1,
    );
  });

  test("acknowledges a message when the log has kept it, and not before", async () => {
    const held = Promise.withResolvers<void>();
    let asked = false;
    await using t = await testDoor(nats.url, {
      ackWaitMs: 30_000,
      log: (log) => ({
        ...log,
        async append(events) {
          asked = true;
          await held.promise;
          return log.append(events);
        },
      }),
    });
    const manager = await jetstreamManager(t.client);
    t.client.publish("nexus.in.a", structured("held"));
    await until(() => asked, Boolean);
    // Once around to the server: whatever had been sent before is there.
    await t.deps.connection.flush();
    assert.equal((await manager.consumers.info("NEXUS_INBOX", "ingress")).num_ack_pending, 1);
    held.resolve();
    await emptied(t);
    assert.ok(await t.log.find("held"));
  });

  test("knows a message again that comes twice: plain, structured or rejected, it is kept once", async () => {
    const seen = new Map<string, number>();
    await using t = await testDoor(nats.url, {
      log: (log) => ({
        ...log,
        // Kept, and the answer lost on its way.
        async append(events) {
          const appended = await log.append(events);
          const id = events[0]!.event.id;
          seen.set(id, (seen.get(id) ?? 0) + 1);
          if (seen.get(id) === 1) throw new NexusError("LOG_UNAVAILABLE", "Cannot append: away");
          return appended;
        },
      }),
    });
    t.client.publish("nexus.in.plain", "hello");
    t.client.publish("nexus.in.a", structured("s"));
    t.client.publish("nexus.in.a", '{"specversion":"1.0"}');
    await emptied(t);
    assert.deepEqual([...seen.values()], [2, 2, 2]);
    assert.equal((await events(t.log)).length, 2);
    assert.equal((await events(t.log, REJECTED_EVENT)).length, 1);
  });

  test("keeps as rejected what the log will never take", async () => {
    await using t = await testDoor(nats.url, {
      log: (log) => ({
        ...log,
        append(events) {
          if (events[0]?.event.id !== "cursed") return log.append(events);
          return Promise.reject(new NexusError("UNSUPPORTED", "Cannot append: never"));
        },
      }),
    });
    t.client.publish("nexus.in.a", structured("cursed"));
    await emptied(t);
    const [rejected] = await events(t.log, REJECTED_EVENT);
    assert.match(JSON.stringify(eventValue(rejected!.event)["data"]), /"UNSUPPORTED"/);
  });

  test("loses nothing and keeps nothing twice when the node that reads it goes, under load", async () => {
    const count = 10_000;
    await using t = await testDoor(nats.url);
    const other = await t.another();
    const js = jetstream(t.client);
    let done = 0;
    const publishing = Array.from({ length: 64 }, async (_, lane) => {
      for (let i = lane; i < count; i += 64) {
        await js.publish("nexus.in.order.placed", structured(`e${i}`));
        done += 1;
        // In the middle of it, without a word: what it had fetched comes again.
        if (done === 3000) void t.deps.connection.close();
      }
    });
    await Promise.all(publishing);
    assert.ok(t.deps.connection.isClosed());
    await emptied(t);
    const ids = (await events(t.log)).map(({ event }) => event.id);
    assert.equal(ids.length, count);
    assert.equal(new Set(ids).size, count);
    assert.deepEqual(await deadLetters(t.log), []);
    await other.close();
  });

  test("is made again where somebody deleted it, and changed where settings changed", async () => {
    await using t = await testDoor(nats.url);
    const manager = await jetstreamManager(t.client);
    // In service: nats-server 2.9 hands out nothing of a stream that is made while its predecessor is deleted.
    await until(
      () => manager.consumers.info("NEXUS_INBOX", "ingress"),
      ({ num_waiting }) => num_waiting === 1,
    );
    await manager.streams.delete("NEXUS_INBOX");
    await until(
      () => manager.streams.info("NEXUS_INBOX").catch(() => undefined),
      (info) => info !== undefined,
    );
    t.client.publish("nexus.in.a", structured("after"));
    await until(() => t.log.find("after"), Boolean);
    const { config } = await manager.consumers.info("NEXUS_INBOX", "ingress");
    assert.equal(config.ack_wait, 2_000_000_000);
    await using next = await testDoor(nats.url, { ackWaitMs: 5000 });
    assert.ok(next);
    const changed = await manager.consumers.info("NEXUS_INBOX", "ingress");
    assert.equal(changed.config.ack_wait, 5_000_000_000);
  });
});

test("startNatsDoor() says that there is no JetStream", TIMEOUT, async () => {
  await using nats = await startNats({ jetStream: false });
  await assert.rejects(testDoor(nats.url), {
    code: "LOG_UNAVAILABLE",
    message: /^Cannot serve NATS: /,
  });
});
