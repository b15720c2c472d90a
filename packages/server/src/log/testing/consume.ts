import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DONE,
  newEvent,
  newEvents,
  positions,
  settle,
  TestConsumer,
  type TestStore,
} from "./fixtures.ts";

export function testConsume(make: () => Promise<TestStore>): void {
  test("consume() from the earliest delivers what was there, then what comes, in order", async () => {
    await using store = await make();
    await using log = await store.open();
    const before = await log.append(newEvents(3));
    await using consumer = new TestConsumer(log, { name: "fn" });
    const first = await consumer.take(3);
    const after = await log.append(newEvents(3));
    const second = await consumer.take(3);
    assert.deepEqual(
      [...first, ...second].map(({ stored }) => stored.position),
      positions([...before, ...after]),
    );
    assert.ok([...first, ...second].every(({ attempt, name }) => attempt === 1 && name === "fn"));
  });

  test("consume() from the latest begins with what comes after the call", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append(newEvents(3));
    await using consumer = new TestConsumer(log, { name: "fn", start: "latest" });
    const [answer] = await log.append([newEvent()]);
    assert.equal((await consumer.next()).stored.position, answer!.position);
  });

  test("consume() delivers what a pattern takes, and no type of the platform's own without its prefix", async () => {
    await using store = await make();
    await using log = await store.open();
    const types = ["a.x", "b", "nexus.audit", "a", "a.y.z", "c.d"];
    await log.append(types.map((type) => newEvent({ type })));
    const cases: [string[], string[]][] = [
      [["a.*"], ["a.x", "a.y.z"]],
      [
        ["b", "c.d"],
        ["b", "c.d"],
      ],
      [["*"], ["a.x", "b", "a", "a.y.z", "c.d"]],
      [
        ["nexus.*", "a"],
        ["nexus.audit", "a"],
      ],
    ];
    for (const [patterns, wanted] of cases) {
      await using consumer = new TestConsumer(log, { name: patterns.join("+"), patterns });
      const got = await consumer.take(wanted.length);
      assert.deepEqual(
        got.map(({ stored }) => stored.event.type),
        wanted,
      );
      assert.ok((await consumer.idle(log)) || patterns.includes("*"));
    }
  });

  test("consume() delivers an addressed event to its function alone, live and from the store", async () => {
    await using store = await make();
    await using log = await store.open();
    await using other = new TestConsumer(log, { name: "other" });
    await using target = new TestConsumer(log, { name: "target", patterns: [] });
    assert.ok(await other.idle(log));
    assert.ok(await target.idle(log));
    const addressed = () => newEvent({ target: "target" });
    const [answer] = await log.append([addressed()]);
    assert.equal((await target.next()).stored.position, answer!.position);
    const [later] = await log.append([newEvent()]);
    assert.equal((await other.next()).stored.position, later!.position);
    const [third] = await log.append([addressed(), newEvent()]);
    await using late = new TestConsumer(log, { name: "late" });
    assert.equal((await late.next()).stored.position, later!.position);
    assert.ok((await late.next()).stored.position > third!.position);
  });

  test("consume() hands out no more than `concurrency` at a time", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append(newEvents(5));
    await using consumer = new TestConsumer(log, { name: "fn", concurrency: 2 });
    const [first] = await consumer.take(2);
    assert.ok(await consumer.idle(log));
    await settle(log, first!);
    const third = await consumer.next();
    assert.equal(third.stored.position, first!.stored.position + 2);
    assert.ok(await consumer.idle(log));
  });

  test("consume() delivers what was given back again when it is due, and counts the attempt", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append(newEvents(2));
    await using consumer = new TestConsumer(log, { name: "fn" });
    const [first, second] = await consumer.take(2);
    const at = Date.now() + 300;
    await settle(log, first!, { state: "retry", at });
    assert.deepEqual(
      log.lag().map(({ running, retrying }) => ({ running, retrying })),
      [{ running: 1, retrying: 1 }],
    );
    const again = await consumer.next();
    assert.ok(Date.now() >= at);
    assert.equal(again.stored.position, first!.stored.position);
    assert.equal(again.attempt, 2);
    await settle(log, again, { state: "retry", at: 0 });
    const third = await consumer.next();
    assert.equal(third.attempt, 3);
    await settle(log, third);
    await settle(log, second!);
    assert.ok(await consumer.idle(log));
    assert.deepEqual(log.lag(), [{ name: "fn", waiting: 0, running: 0, retrying: 0, oldestMs: 0 }]);
  });

  test("consume() gives a retry to its own function alone", async () => {
    await using store = await make();
    await using log = await store.open();
    const patterns = ["com.example.*", "net.*"];
    await using first = new TestConsumer(log, { name: "first", patterns });
    await using second = new TestConsumer(log, { name: "second", patterns });
    const only = { patterns: ["com.example.*"], patternsOnly: true };
    await using third = new TestConsumer(log, { name: "third", ...only });
    await log.append(newEvents(1));
    await settle(log, await second.next());
    for (const consumer of [first, third]) {
      await settle(log, await consumer.next(), { state: "retry", at: 0 });
      const again = await consumer.next();
      assert.equal(again.attempt, 2);
      await settle(log, again);
    }
    for (const consumer of [first, second, third]) assert.ok(await consumer.idle(log));
    assert.equal(
      (await log.invocations.list({ function: "second" }, { limit: 9 })).items.length,
      1,
    );
  });

  test("consume() after a restart delivers what was not settled, and nothing else", async () => {
    await using store = await make();
    let left: number[];
    {
      await using log = await store.open();
      await log.append(newEvents(6));
      await using consumer = new TestConsumer(log, { name: "fn" });
      const taken = await consumer.take(6);
      await settle(log, taken[1]!);
      await settle(log, taken[4]!);
      left = [0, 2, 3, 5].map((i) => taken[i]!.stored.position);
    }
    await using log = await store.open();
    await using consumer = new TestConsumer(log, { name: "fn" });
    const again = await consumer.take(4);
    assert.deepEqual(
      again.map(({ stored }) => stored.position),
      left,
    );
    assert.ok(again.every(({ attempt }) => attempt === 1));
    assert.ok(await consumer.idle(log));
  });

  test("consume() after a restart knows attempt and due time of a retry", async () => {
    await using store = await make();
    const at = Date.now() + 60;
    {
      await using log = await store.open();
      await log.append(newEvents(1));
      await using consumer = new TestConsumer(log, { name: "fn" });
      await settle(log, await consumer.next(), { state: "retry", at });
    }
    await using log = await store.open();
    await using consumer = new TestConsumer(log, { name: "fn" });
    const again = await consumer.next();
    assert.equal(again.attempt, 2);
    assert.ok(Date.now() >= at);
  });

  test("consume() goes on where its name stopped, whatever `start` says the second time", async () => {
    await using store = await make();
    let missed;
    {
      await using log = await store.open();
      await log.append(newEvents(2));
      await using consumer = new TestConsumer(log, { name: "fn" });
      for (const delivery of await consumer.take(2)) await settle(log, delivery);
    }
    {
      await using log = await store.open();
      missed = (await log.append([newEvent()]))[0]!;
    }
    await using log = await store.open();
    await using consumer = new TestConsumer(log, { name: "fn", start: "latest" });
    assert.equal((await consumer.next()).stored.position, missed.position);
  });

  test("consume() a second time in one process waits for the first, and leaves out what is still out", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append(newEvents(3));
    const first = new TestConsumer(log, { name: "fn" });
    const [out] = await first.take(1);
    await using second = new TestConsumer(log, { name: "fn" });
    assert.ok(await second.idle(log));
    await first[Symbol.asyncDispose]();
    const rest = await second.take(2);
    assert.deepEqual(
      rest.map(({ stored }) => stored.position),
      [out!.stored.position + 1, out!.stored.position + 2],
    );
    assert.ok(await second.idle(log));
    await settle(log, out!);
    assert.equal((await log.invocations.ofEvent(out!.stored.position)).length, 1);
  });

  test("consume() of one function is not held up by another that settles nothing", async () => {
    await using store = await make();
    await using log = await store.open();
    await using stuck = new TestConsumer(log, { name: "stuck", concurrency: 1 });
    await using quick = new TestConsumer(log, { name: "quick", concurrency: 1 });
    await log.append(newEvents(20));
    await stuck.next();
    for (let i = 0; i < 20; i += 1) await settle(log, await quick.next());
    assert.ok(await quick.idle(log));
    const [lag] = log.lag().filter(({ name }) => name === "stuck");
    assert.equal(lag!.waiting, 19);
  });

  test("consume() catches up over more than memory keeps, and misses nothing that comes meanwhile", async () => {
    await using store = await make();
    await using log = await store.open();
    const wanted = positions(await log.append(newEvents(3000)));
    await using consumer = new TestConsumer(log, { name: "fn", concurrency: 10_000 });
    const got: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      wanted.push(...positions(await log.append(newEvents(500))));
      for (const { stored } of await consumer.take(1100)) got.push(stored.position);
    }
    assert.deepEqual(got, wanted);
  });

  test("settle() keeps record and emitted events with the delivery, and emits nothing twice", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append([newEvent(), newEvent()]);
    await using consumer = new TestConsumer(log, { name: "fn" });
    await using follower = new TestConsumer(log, { name: "next", patterns: ["org.emitted"] });
    const [first, second] = await consumer.take(2);
    const emitted = newEvent({ id: "once", type: "org.emitted", depth: 1 });
    await settle(log, first!, DONE, [emitted]);
    assert.equal((await follower.next()).stored.event.id, "once");
    await settle(log, second!, DONE, [emitted]);
    assert.ok(await follower.idle(log));
    assert.equal((await log.invocations.ofEvent(second!.stored.position)).length, 1);
  });

  test("settle() of a delivery that is settled already is refused", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append(newEvents(1));
    await using consumer = new TestConsumer(log, { name: "fn" });
    const delivery = await consumer.next();
    await settle(log, delivery);
    await assert.rejects(settle(log, delivery), { code: "INTERNAL" });
    assert.equal((await log.invocations.ofEvent(delivery.stored.position)).length, 1);
  });

  test("consume() ends when its signal aborts, and when the log closes", async () => {
    await using store = await make();
    const log = await store.open();
    const abort = new AbortController();
    const subscription = { name: "fn", patterns: ["*"], concurrency: 1, start: "latest" } as const;
    const ended = (async () => {
      for await (const _ of log.consume(subscription, abort.signal)) assert.fail("nothing came");
    })();
    abort.abort();
    await ended;
    const closed = (async () => {
      const { signal } = new AbortController();
      for await (const _ of log.consume(subscription, signal)) assert.fail("nothing came");
    })();
    await log[Symbol.asyncDispose]();
    await closed;
  });
}
