import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DEAD,
  invocationOf,
  newEvent,
  newEvents,
  positions,
  settle,
  TestConsumer,
  type TestStore,
} from "./fixtures.ts";

export function testTrim(make: () => Promise<TestStore>): void {
  test("trim() by age removes what is older, with all that leads to it", async () => {
    await using store = await make();
    let clock: number | undefined;
    await using log = await store.open(() => clock ?? Date.now());
    const old = newEvent({ id: "old" });
    await log.append([old, ...newEvents(500)]);
    const [last] = (await log.list({}, { limit: 1 })).items;
    while (Date.now() <= last!.acceptedAt) await new Promise(setImmediate);
    const kept = positions(await log.append(newEvents(3)));
    clock = (await log.list({}, { limit: 3 })).items[2]!.acceptedAt + 5000;
    const trimmed = await log.trim({ events: { maxAgeMs: 5000 }, invocations: {} });
    assert.deepEqual(trimmed, { events: 501, invocations: 0 });
    const left = await log.list({ source: "/test" }, { limit: 10 });
    assert.deepEqual(positions(left.items), kept.toReversed());
    assert.equal(await log.find("old"), undefined);
    assert.equal((await log.append([old]))[0]!.status, "accepted");
  });

  test("trim() by size removes the oldest until the rest fits", async () => {
    await using store = await make();
    await using log = await store.open();
    const all = positions(await log.append(newEvents(1000, { data: "x".repeat(1000) })));
    const { events } = await log.trim({ events: { maxBytes: 500_000 }, invocations: {} });
    const left = await log.list({}, { limit: 1000 });
    assert.equal(left.items.length, 1000 - events);
    assert.ok(left.items.length > 300 && left.items.length < 500, `${left.items.length} left`);
    assert.deepEqual(positions(left.items), all.slice(events).toReversed());
    assert.deepEqual(await log.trim({ events: { maxBytes: 500_000 }, invocations: {} }), {
      events: 0,
      invocations: 0,
    });
  });

  test("trim() leaves events that a delivery, a retry or a dead letter needs", async () => {
    await using store = await make();
    const needed: number[] = [];
    {
      await using log = await store.open();
      await log.append(newEvents(4));
      await using consumer = new TestConsumer(log, { name: "fn", concurrency: 4 });
      const [done, out, retry, dead] = await consumer.take(4);
      await settle(log, done!);
      await settle(log, retry!, { state: "retry", at: Date.now() + 100_000 });
      await settle(log, dead!, DEAD);
      const behind = await log.append(newEvents(2));
      await using slow = new TestConsumer(log, { name: "slow", concurrency: 1, start: "latest" });
      needed.push(...[out, retry, dead].map((each) => each!.stored.position));
      assert.ok(await slow.idle(log));
      const { events } = await log.trim({ events: { maxBytes: 0 }, invocations: {} });
      assert.ok(events >= 1);
      const left = positions((await log.list({ type: "com.*" }, { limit: 10 })).items).toReversed();
      assert.deepEqual(
        left,
        [...needed, ...positions(behind)].filter((p) => left.includes(p)),
      );
      assert.ok(needed.every((position) => left.includes(position)));
    }
    await using log = await store.open();
    await log.trim({ events: { maxBytes: 0 }, invocations: {} });
    const left = positions((await log.list({ type: "com.*" }, { limit: 10 })).items);
    assert.ok(needed.every((position) => left.includes(position)));
  });

  test("trim() leaves events that a consumer which is behind has still to get", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append(newEvents(50));
    await using consumer = new TestConsumer(log, { name: "fn", concurrency: 1 });
    const first = await consumer.next();
    const { events } = await log.trim({ events: { maxBytes: 0 }, invocations: {} });
    assert.equal(events, 0);
    await settle(log, first);
    for (let i = 1; i < 50; i += 1) await settle(log, await consumer.next());
    assert.equal((await log.trim({ events: { maxBytes: 0 }, invocations: {} })).events, 50);
  });

  test("trim() removes records by age and by size, with all that leads to them", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append([newEvent({ id: "e" })]);
    const stored = (await log.find("e"))!;
    const records = Array.from({ length: 10 }, () =>
      invocationOf(stored, "fn", { status: "failed" }),
    );
    for (const record of records) await log.record(record, []);
    const trimmed = await log.trim({ events: {}, invocations: { maxBytes: 3000 } });
    const left = await log.invocations.list({ status: "failed", function: "fn" }, { limit: 100 });
    assert.equal(left.items.length, 10 - trimmed.invocations);
    assert.ok(trimmed.invocations >= 5);
    assert.equal((await log.invocations.ofEvent(stored.position)).length, left.items.length);
    assert.equal((await log.status()).invocations, left.items.length);
    assert.equal(await log.invocations.get(records[0]!.id), undefined);
  });

  test("trim() stops when its signal aborts", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append(newEvents(300));
    const policy = { events: { maxBytes: 0 }, invocations: {} };
    assert.equal((await log.trim(policy, AbortSignal.abort())).events, 0);
  });
}
