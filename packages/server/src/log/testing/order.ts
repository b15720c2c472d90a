import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { StoredEvent } from "../../core/event.ts";
import type { EventLog } from "../log.ts";
import { DEAD, DONE, newEvent, settle, TestConsumer, type TestStore } from "./fixtures.ts";

export function testOrder(make: () => Promise<TestStore>, stores: number): void {
  const orderKey = ({ event }: StoredEvent): string | undefined => event.subject;

  test("consume() with `orderKey` keeps a key waiting while one of its deliveries is out or retries", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append(["a", "a", "b", undefined].map((key) => keyed(key)));
    await using consumer = new TestConsumer(log, { name: "fn", orderKey });
    const [a1, b1, free] = await consumer.take(3);
    assert.deepEqual(
      [a1, b1, free].map((each) => each!.stored.event.subject),
      ["a", "b", undefined],
    );
    await settle(log, a1!, { state: "retry", at: Date.now() + 20 });
    const again = await consumer.next();
    assert.deepEqual([again.stored.position, again.attempt], [a1!.stored.position, 2]);
    assert.ok(await consumer.idle(log));
    await settle(log, again, DEAD);
    const a2 = await consumer.next();
    assert.equal(a2.stored.event.subject, "a");
    assert.ok(a2.stored.position > a1!.stored.position);
  });

  test("consume() with `orderKey` keeps a key waiting for its retry after a restart too", async () => {
    await using store = await make();
    let retried: number;
    {
      await using log = await store.open();
      await log.append(["a", "a", "b"].map((key) => keyed(key)));
      await using consumer = new TestConsumer(log, { name: "fn", orderKey });
      const [a1, b1] = await consumer.take(2);
      await settle(log, a1!, { state: "retry", at: Date.now() + 150 });
      await settle(log, b1!);
      retried = a1!.stored.position;
    }
    await using log = await store.open();
    await using consumer = new TestConsumer(log, { name: "fn", orderKey });
    const again = await consumer.next();
    assert.deepEqual([again.stored.position, again.attempt], [retried, 2]);
    await settle(log, again);
    assert.equal((await consumer.next()).stored.position, retried + 1);
  });

  test("consume() with `orderKey` lets a redriven delivery wait for its key", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append(["a", "a"].map((key) => keyed(key)));
    await using consumer = new TestConsumer(log, { name: "fn", orderKey });
    const a1 = await consumer.next();
    await settle(log, a1, DEAD);
    const a2 = await consumer.next();
    const [letter] = (await log.deadLetters.list({}, { limit: 1 })).items;
    await log.deadLetters.redrive(letter!.id);
    assert.ok(await consumer.idle(log));
    await settle(log, a2);
    const again = await consumer.next();
    assert.deepEqual([again.stored.position, again.attempt], [a1.stored.position, 1]);
    await settle(log, again);
    assert.ok(await consumer.idle(log));
  });

  test("consume() with `orderKey` settles each key in order of position, whatever fails and restarts", async () => {
    const event = fc.record({
      key: fc.constantFrom("a", "b", "c", undefined),
      failures: fc.nat({ max: 2 }),
      last: fc.constantFrom(DONE, DEAD),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 1, maxLength: 25 }),
        fc.array(fc.nat({ max: 12 }), { maxLength: 3 }),
        fc.integer({ min: 1, max: 6 }),
        fc.infiniteStream(fc.nat({ max: 3 })),
        async (plan, restarts, concurrency, waits) => {
          await using store = await make();
          const model = new Model(plan);
          const rounds = [...restarts, Infinity];
          for (const [round, settlements] of rounds.entries()) {
            await using log = await store.open();
            if (round === 0) await log.append(plan.map(({ key }) => keyed(key)));
            await model.run(log, { concurrency, settlements, waits });
          }
          model.check();
        },
      ),
      { numRuns: stores },
    );
  });

  interface Planned {
    readonly key: string | undefined;
    readonly failures: number;
    readonly last: typeof DONE;
  }

  /** What must hold, beside what the log does. */
  class Model {
    readonly #plan: readonly Planned[];
    readonly #ended: number[] = [];
    readonly #failed: number[];

    constructor(plan: readonly Planned[]) {
      this.#plan = plan;
      this.#failed = plan.map(() => 0);
    }

    /** Consumes until everything has ended, or until so many deliveries were settled and one is left out. */
    async run(
      log: EventLog,
      options: { concurrency: number; settlements: number; waits: Iterator<number> },
    ): Promise<void> {
      if (this.#ended.length === this.#plan.length) return;
      const first = (await log.list({}, { limit: 1000 })).items.at(-1)!.position;
      const { concurrency, waits } = options;
      const subscription = { name: "fn", patterns: ["*"], concurrency, orderKey } as const;
      const abort = new AbortController();
      const out = new Set<number>();
      const work: Promise<void>[] = [];
      let left = options.settlements;
      const deliveries = log.consume({ ...subscription, start: "earliest" }, abort.signal);
      for await (const delivery of deliveries) {
        // A delivery may come a microtask before the `settle` that made way for it is heard of below.
        await new Promise(setImmediate);
        const index = delivery.stored.position - first;
        this.#checkTurn(index, delivery.attempt, out);
        if (left === 0) break;
        left -= 1;
        out.add(index);
        const task = async (): Promise<void> => {
          for (let turns = waits.next().value as number; turns > 0; turns -= 1) {
            await new Promise(setImmediate);
          }
          const { failures, last } = this.#plan[index]!;
          const fails = this.#failed[index]! < failures;
          await settle(log, delivery, fails ? { state: "retry", at: Date.now() + 1 } : last);
          out.delete(index);
          if (fails) this.#failed[index]! += 1;
          else this.#ended.push(index);
          if (this.#ended.length === this.#plan.length) abort.abort();
        };
        work.push(task());
      }
      await Promise.all(work);
    }

    #checkTurn(index: number, attempt: number, out: ReadonlySet<number>): void {
      assert.equal(attempt, this.#failed[index]! + 1);
      const { key } = this.#plan[index]!;
      if (key === undefined) return;
      for (let other = 0; other < this.#plan.length; other += 1) {
        if (other === index || this.#plan[other]!.key !== key) continue;
        assert.ok(!out.has(other), `${other} and ${index} of key ${key} are out together`);
        if (other < index) assert.ok(this.#ended.includes(other), `${index} before ${other}`);
      }
    }

    check(): void {
      assert.equal(new Set(this.#ended).size, this.#plan.length);
      for (const key of ["a", "b", "c"]) {
        const order = this.#ended.filter((index) => this.#plan[index]!.key === key);
        assert.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
        );
      }
    }
  }

  function keyed(key: string | undefined) {
    return newEvent(key === undefined ? {} : { subject: key });
  }
}
