import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { headers as newHeaders, type Msg } from "@nats-io/transport-node";
import { eventValue } from "../core/event.ts";
import { startNats, type TestNats } from "../testing/nats.ts";
import { all, testDoor, type TestDoor } from "../testing/nats-door.ts";
import { until } from "../testing/until.ts";

const TIMEOUT = { timeout: 60_000 };
const ECHO = `[{ name: echo, on: { nats: orders.* }, code: ./echo.wasm }]`;
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

function records({ log }: TestDoor, name = "echo") {
  return all((cursor) =>
    log.invocations.list(
      { function: name },
      { limit: 1000, ...(cursor === undefined ? {} : { cursor }) },
    ),
  );
}

function errorOf({ headers, data }: Msg): readonly string[] {
  assert.equal(data.length, 0);
  const names = ["Nats-Service-Error-Code", "Nexus-Error-Code", "Nats-Service-Error"];
  return names.map((name) => headers!.get(name));
}

describe("on.nats", TIMEOUT, () => {
  let nats: TestNats;
  before(async () => {
    nats = await startNats();
  });
  after(() => nats[Symbol.asyncDispose]());

  test("runs the function on a message, whatever its payload", async () => {
    await using t = await testDoor(nats.url, { functions: ECHO });
    t.client.publish("orders.json", '{"n":1}');
    t.client.publish("orders.text", "hello");
    t.client.publish("orders.bytes", Uint8Array.of(255));
    t.client.publish("orders.none");
    t.client.publish("orders.not.this", "x");
    const done = await until(
      () => records(t),
      ({ length }) => length === 4,
    );
    assert.ok(done.every(({ trigger, status }) => trigger === "nats" && status === "succeeded"));
    const seen = done.map(({ output }) => JSON.parse(output) as Record<string, unknown>);
    const bySubject = new Map(seen.map((one) => [one["subject"], one]));
    assert.equal(bySubject.size, 4);
    assert.deepEqual(bySubject.get("orders.json")!["data"], { n: 1 });
    assert.equal(bySubject.get("orders.text")!["data"], "hello");
    assert.equal(bySubject.get("orders.bytes")!["data_base64"], "/w==");
    assert.equal(bySubject.get("orders.none")!["data"], undefined);
    assert.ok(seen.every(({ type }) => type === "nexus.nats.message"));
    assert.ok(seen.every(({ source }) => source === "/nexus/nats/echo"));
  });

  test("answers a request with the function's output, keeps the event, and continues the trace", async () => {
    await using t = await testDoor(nats.url, { functions: ECHO });
    const headers = newHeaders();
    headers.set("traceparent", `00-${TRACE}-00f067aa0ba902b7-01`);
    const reply = await t.client.request("orders.created", "[1]", { timeout: 10_000, headers });
    const answer = reply.json<{ id: string; data: unknown }>();
    assert.deepEqual(answer.data, [1]);
    const stored = await t.log.find(answer.id);
    assert.deepEqual(eventValue(stored!.event)["data"], [1]);
    const id = reply.headers!.get("nexus-invocation-id");
    const record = await until(() => t.log.invocations.get(id), Boolean);
    assert.equal(record!.trigger, "nats");
    assert.equal(record!.trace_id, TRACE);
    assert.equal(record!.delivery, "done");
    assert.ok(
      t.spans.some(
        ({ name, trace }) => name === "receive orders.created" && trace.traceId === TRACE,
      ),
    );
  });

  test("answers a request with the error, as NATS services do", async () => {
    const functions = `
  - { name: fail, on: { nats: fail.> }, code: ./fail.wasm }
  - { name: loop, on: { nats: loop }, code: ./loop.wasm, timeout: 50ms }
  - { name: long, on: { nats: long }, code: ./echo.wasm, limits: { output: 10 } }`;
    await using t = await testDoor(nats.url, { functions, yaml: "limits: { event: 1Ki }" });
    const ask = async (subject: string, payload = "") =>
      errorOf(await t.client.request(subject, payload, { timeout: 20_000 }));
    const failed = await ask("fail.now.please");
    assert.deepEqual(failed.slice(0, 2), ["502", "FUNCTION_FAILED"]);
    assert.match(
      failed[2]!,
      /^Cannot answer: function "fail" did not succeed; invocation .* has the record$/,
    );
    assert.deepEqual((await ask("loop")).slice(0, 2), ["504", "FUNCTION_TIMED_OUT"]);
    assert.deepEqual((await ask("long")).slice(0, 2), ["502", "FUNCTION_OUTPUT_INVALID"]);
    const large = await ask("fail.x", "x".repeat(1025));
    assert.deepEqual(large.slice(0, 2), ["413", "EVENT_TOO_LARGE"]);
    assert.ok(t.lines.some(({ fields }) => fields["code"] === "EVENT_TOO_LARGE"));
    assert.ok(t.rejected.includes("EVENT_TOO_LARGE"));
  });

  test("says that an output is longer than what NATS carries", async () => {
    await using small = await startNats({ extra: { max_payload: 256 * 1024 } });
    await using t = await testDoor(small.url, { functions: ECHO });
    // As Base64 it is longer.
    const payload = new Uint8Array(250 * 1024).fill(255);
    const reply = await t.client.request("orders.big", payload, { timeout: 20_000 });
    const [, code, reason] = errorOf(reply);
    assert.equal(code, "FUNCTION_OUTPUT_INVALID");
    assert.match(reason!, /more than NATS carries \(max_payload, 262144 bytes\)/);
  });

  test("gives a message to one of many nodes, and once to a function that names it twice", async () => {
    const functions = `
  - { name: echo, on: [{ nats: orders.* }, { nats: orders.created }], code: ./echo.wasm }
  - { name: also, on: { nats: orders.> }, code: ./echo.wasm }`;
    await using t = await testDoor(nats.url, { functions });
    const other = await t.another();
    const count = 200;
    for (let i = 0; i < count; i += 1) t.client.publish("orders.created", String(i));
    await until(
      async () => [await records(t), await records(t, "also")],
      (both) => both.every(({ length }) => length >= count),
    );
    // Now nothing more can come.
    await Promise.all([t.door.close(), other.close()]);
    for (const name of ["echo", "also"]) {
      const { items } = await t.log.list({ source: `/nexus/nats/${name}` }, { limit: 1000 });
      const seen = items.map(({ event }) => eventValue(event)["data"]);
      assert.equal(seen.length, count);
      assert.equal(new Set(seen).size, count);
    }
  });

  test("follows what is deployed: a new subject is served, one that went is not", async () => {
    await using t = await testDoor(nats.url, { functions: ECHO });
    const served = (subject: string) =>
      t.client.request(subject, "1", { timeout: 10_000 }).then(
        () => true,
        () => false, // nobody answers
      );
    assert.ok(await served("orders.created"));
    await t.deploy(`[{ name: echo, on: { nats: carts.* }, code: ./echo.wasm }]`);
    await until(() => served("carts.created"), Boolean);
    await until(
      () => served("orders.created"),
      (answered) => !answered,
    );
    await t.deploy("[]");
    await until(
      () => served("carts.created"),
      (answered) => !answered,
    );
  });

  test("takes what had come before it closes", async () => {
    await using t = await testDoor(nats.url, { functions: ECHO });
    for (let i = 0; i < 500; i += 1) t.client.publish("orders.created", String(i));
    await t.client.flush();
    await t.door.close();
    const { items } = await t.log.list({ type: "nexus.nats.message" }, { limit: 1000 });
    assert.equal(items.length, 500);
    await assert.rejects(t.client.request("orders.created", "1", { timeout: 5000 }));
  });

  test("closes while NATS is away when its signal says that it is enough", async () => {
    await using away = await startNats();
    await using t = await testDoor(away.url, { functions: ECHO });
    await away.stop();
    await t.door.close(AbortSignal.timeout(100));
    await away.restart();
  });

  test("refuses what comes faster than it can be taken, tells who asked, and counts", async () => {
    const held = Promise.withResolvers<void>();
    await using t = await testDoor(nats.url, {
      functions: ECHO,
      log: (log) => ({ ...log, append: (events) => held.promise.then(() => log.append(events)) }),
    });
    const count = 10_005;
    for (let i = 0; i < count; i += 1) t.client.publish("orders.created", String(i));
    const reply = await t.client.request("orders.created", "", { timeout: 20_000 });
    assert.deepEqual(errorOf(reply).slice(0, 2), ["503", "OVERLOADED"]);
    held.resolve();
    assert.equal(t.rejected.filter((code) => code === "OVERLOADED").length, 6);
    await until(
      () => t.log.status(),
      ({ events }) => events === 10_000,
    );
    const told = t.lines.filter(({ message }) => message.startsWith("NATS messages come faster"));
    assert.ok(told.length >= 1 && told.length < 6);
  });
});
