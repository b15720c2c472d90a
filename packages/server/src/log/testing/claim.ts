import assert from "node:assert/strict";
import { test } from "node:test";
import { newEvent, newEvents, settle, TestConsumer, type TestStore } from "./fixtures.ts";

export function testClaim(make: () => Promise<TestStore>): void {
  const addressed = () => newEvent({ type: "nexus.http.request", target: "fn" });

  test("claim() gives the event back at once, and the consumer does not get it", async () => {
    await using store = await make();
    await using log = await store.open();
    await using consumer = new TestConsumer(log, { name: "fn", patterns: [] });
    assert.ok(await consumer.idle(log));
    const claim = log.claim(addressed(), "fn");
    assert.equal(claim.event!.meta.target, "fn");
    const { delivery, ...appended } = await claim.durable;
    assert.equal(delivery!.attempt, 1);
    assert.deepEqual(appended, { status: "accepted", position: delivery!.stored.position });
    assert.ok(await consumer.idle(log));
    await settle(log, delivery!);
    assert.ok(await consumer.idle(log));
    assert.equal((await log.invocations.ofEvent(delivery!.stored.position)).length, 1);
  });

  test("claim() of a duplicate hands out nothing", async () => {
    await using store = await make();
    await using log = await store.open();
    const event = addressed();
    const first = log.claim(event, "fn");
    const second = log.claim(event, "fn");
    const { position } = await first.durable;
    const refused = { status: "duplicate", position, delivery: undefined };
    assert.deepEqual(await second.durable, refused);
  });

  test("claim() that was not settled is delivered after a restart; a settled one is not", async () => {
    await using store = await make();
    let open;
    {
      await using log = await store.open();
      await using consumer = new TestConsumer(log, { name: "fn", patterns: [] });
      assert.ok(await consumer.idle(log));
      const settled = log.claim(addressed(), "fn");
      const left = log.claim(addressed(), "fn");
      await settle(log, (await settled.durable).delivery!);
      open = (await left.durable).position;
    }
    await using log = await store.open();
    await using consumer = new TestConsumer(log, { name: "fn", patterns: [] });
    assert.equal((await consumer.next()).stored.position, open);
    assert.ok(await consumer.idle(log));
  });

  test("claim() for a consumer that is far behind is delivered once, after a restart too", async () => {
    await using store = await make();
    let claimed;
    {
      await using log = await store.open();
      await log.append(newEvents(5));
      await using consumer = new TestConsumer(log, { name: "fn", concurrency: 1 });
      await consumer.next();
      const { delivery, position } = await log.claim(addressed(), "fn").durable;
      claimed = position;
      await settle(log, delivery!);
    }
    await using log = await store.open();
    await using consumer = new TestConsumer(log, { name: "fn" });
    const got = await consumer.take(5);
    assert.ok(got.every(({ stored }) => stored.position !== claimed));
    assert.ok(await consumer.idle(log));
  });

  test("claim() settled with a retry comes to the consumer", async () => {
    await using store = await make();
    await using log = await store.open();
    await using consumer = new TestConsumer(log, { name: "fn", patterns: [] });
    assert.ok(await consumer.idle(log));
    const { delivery } = await log.claim(addressed(), "fn").durable;
    await settle(log, delivery!, { state: "retry", at: 0 });
    const again = await consumer.next();
    assert.equal(again.stored.position, delivery!.stored.position);
    assert.equal(again.attempt, 2);
  });
}
