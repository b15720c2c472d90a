import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { uuidv7 } from "../../core/ids.ts";
import { INVOCATION_STATUSES } from "../../core/invocation.ts";
import {
  allPages,
  DEAD,
  invocationOf,
  newEvent,
  newEvents,
  settle,
  TestConsumer,
  type TestStore,
} from "./fixtures.ts";

export function testRecords(make: () => Promise<TestStore>): void {
  test("record() keeps a record and emits events, without a delivery", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append([newEvent({ id: "e" })]);
    const stored = (await log.find("e"))!;
    const record = invocationOf(stored, "fn", { trigger: "replay", output: "käse 🧀" });
    await log.record(record, [newEvent({ id: "emitted" })]);
    assert.deepEqual(await log.invocations.get(record.id), record);
    assert.deepEqual(await log.invocations.ofEvent(stored.position), [record]);
    assert.ok(await log.find("emitted"));
    for (const id of ["", "x", `${record.id}0`, "y".repeat(5000)]) {
      assert.equal(await log.invocations.get(id), undefined);
    }
  });

  test("invocations.list() with any filter gives what a scan would, newest first", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append([newEvent({ id: "e" })]);
    const stored = (await log.find("e"))!;
    const base = Date.now() - 1000;
    const oldestFirst = Array.from({ length: 120 }, (_, i) =>
      invocationOf(stored, `fn${i % 3}`, {
        id: uuidv7(base + i * 5),
        started_at: new Date(base + i * 5).toISOString(),
        status: INVOCATION_STATUSES[i % 7 === 0 ? i % 6 : 0]!,
      }),
    );
    await Promise.all(oldestFirst.map((record) => log.record(record, [])));
    const all = oldestFirst.toReversed();
    assert.deepEqual((await log.invocations.list({}, { limit: 1000 })).items, all);
    await fc.assert(
      fc.asyncProperty(
        fc.option(fc.constantFrom("fn0", "fn1", "fn2", "none"), { nil: undefined }),
        fc.option(fc.constantFrom(...INVOCATION_STATUSES), { nil: undefined }),
        fc.option(fc.integer({ min: base - 50, max: base + 700 }), { nil: undefined }),
        fc.integer({ min: 1, max: 50 }),
        async (fn, status, since, limit) => {
          const filter = {
            ...(fn === undefined ? {} : { function: fn }),
            ...(status === undefined ? {} : { status }),
            ...(since === undefined ? {} : { since }),
          };
          const wanted = all.filter(
            (record) =>
              (fn === undefined || record.function === fn) &&
              (status === undefined || record.status === status) &&
              (since === undefined || Date.parse(record.started_at) >= since),
          );
          const pages = await allPages((page) => log.invocations.list(filter, page), limit);
          assert.deepEqual(
            pages.flat().map(({ id }) => id),
            wanted.map(({ id }) => id),
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  test("settle() as dead leaves a dead letter with the last error; redrive() makes it due again from attempt 1", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append([newEvent({ type: "com.example.a" }), newEvent({ type: "com.example.b" })]);
    await using consumer = new TestConsumer(log, { name: "fn" });
    const [first, second] = await consumer.take(2);
    await settle(log, first!, DEAD);
    await settle(log, second!, DEAD);
    const { items } = await log.deadLetters.list({ type: "*.a", function: "fn" }, { limit: 10 });
    assert.equal(items.length, 1);
    const [letter] = items;
    assert.equal(letter!.position, first!.stored.position);
    assert.equal(letter!.attempts, 1);
    assert.deepEqual(letter!.error, DEAD.state === "dead" ? DEAD.error : undefined);
    assert.ok(await log.invocations.get(letter!.invocation_id));
    assert.deepEqual(await log.deadLetters.get(letter!.id), letter);
    assert.equal((await log.status()).deadLetters, 2);

    const answers = await Promise.all([
      log.deadLetters.redrive(letter!.id),
      log.deadLetters.redrive(letter!.id),
    ]);
    assert.deepEqual(answers.sort(), [false, true]);
    const again = await consumer.next();
    assert.equal(again.stored.position, first!.stored.position);
    assert.equal(again.attempt, 1);
    assert.equal(await log.deadLetters.get(letter!.id), undefined);
    await settle(log, again);
    assert.ok(await consumer.idle(log));
    assert.equal((await log.status()).deadLetters, 1);
  });

  test("redrive() works while nobody consumes; the delivery comes after a restart", async () => {
    await using store = await make();
    {
      await using log = await store.open();
      await log.append([newEvent({ id: "e" })]);
      await using consumer = new TestConsumer(log, { name: "fn" });
      await settle(log, await consumer.next(), DEAD);
    }
    {
      await using log = await store.open();
      const [letter] = (await log.deadLetters.list({}, { limit: 10 })).items;
      assert.equal(await log.deadLetters.redrive(letter!.id), true);
      assert.equal(await log.deadLetters.redrive(letter!.id), false);
      assert.equal(await log.deadLetters.redrive("dl_unknown"), false);
    }
    await using log = await store.open();
    await using consumer = new TestConsumer(log, { name: "fn" });
    const { stored, attempt } = await consumer.next();
    assert.deepEqual([stored.event.id, attempt], ["e", 1]);
  });

  test("deadLetters.list() gives the newest first, page by page", async () => {
    await using store = await make();
    await using log = await store.open();
    const answers = await log.append(newEvents(7));
    await using consumer = new TestConsumer(log, { name: "fn" });
    for (const delivery of await consumer.take(7)) await settle(log, delivery, DEAD);
    const pages = await allPages((page) => log.deadLetters.list({ function: "fn" }, page), 3);
    assert.deepEqual(
      pages.map(({ length }) => length),
      [3, 3, 1],
    );
    assert.deepEqual(
      pages.flat().map(({ position }) => position),
      answers.map(({ position }) => position).toReversed(),
    );
    assert.deepEqual(await log.deadLetters.list({ function: "x" }, { limit: 3 }), { items: [] });
  });
}
