import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { StoredEvent } from "../../core/event.ts";
import type { Delivery, EventLog, Subscription } from "../log.ts";
import type { StateEntry } from "../state.ts";
import type { LogSource, LogTarget } from "../transfer.ts";
import {
  allPages,
  DEAD,
  DONE,
  invocationOf,
  newEvent,
  newEvents,
  noise,
  settle,
  settlementOf,
  TestConsumer,
  type TestStore,
} from "./fixtures.ts";

export interface TransferStore extends TestStore {
  source(): Promise<LogSource>;
  target(): Promise<LogTarget>;
}

/**
 * What moving a log from one driver to another, or to the same, has to keep. `plans`: how many made-up
 * histories are moved.
 */
export function testTransfer(
  name: string,
  stores: {
    readonly from: () => Promise<TransferStore>;
    readonly to: () => Promise<TransferStore>;
    readonly plans?: number;
  },
): void {
  const { from, to, plans = 12 } = stores;
  describe(`transfer: ${name}`, () => {
    test("everything that is kept is the same afterwards", async () => {
      await using old = await from();
      await using fresh = await to();
      let before: Contents;
      {
        await using log = await old.open();
        await log.append([
          newEvent({ id: "ü", subject: "a/b", data: { text: "žluť \u0000" } }),
          newEvent({ target: "only", depth: 3, extensions: { ext: 7, flag: true } }),
          ...newEvents(600),
        ]);
        await using consumer = new TestConsumer(log, { name: "f" });
        const [first, second, third] = await consumer.take(3);
        await settle(log, first!, DONE, [newEvent({ id: "emitted" })]);
        await log.settle(second!, { ...settlementOf(second!, DEAD), recording: noise(200) });
        await settle(log, third!, { state: "retry", at: Date.now() + 3_600_000 });
        const stored = (await log.find("ü"))!;
        const replay = invocationOf(stored, "g", { trigger: "replay", delivery: "none" });
        await log.record(replay, [], noise(300_000));
        const day = { expiresAt: Date.now() + 86_400_000 };
        for (const key of ["a", "*", "ü 🧀", "\0"]) await log.state.set("fn:f", key, noise(100));
        await log.state.set("fn:f", "a", noise(300_000), day);
        await log.state.set("fn:f.g", "a", new Uint8Array());
        await log.state.set("fn:f", "deleted", noise(10));
        await log.state.delete("fn:f", "deleted");
        await log.state.set("fn:f", "over", noise(10), { expiresAt: Date.now() - 1 });
        before = await contents(log);
      }
      await move(old, fresh);
      await using log = await fresh.open();
      assert.deepEqual(await contents(log), before);
      const { events, invocations, deadLetters } = await log.status();
      assert.deepEqual([events, invocations, deadLetters], [603, 4, 1]);
      const lengths = before.recordings.map((recording) => recording?.length);
      assert.deepEqual(lengths, [undefined, 200, undefined, 300_000]);
      assert.equal(before.state.length, 5);
    });

    test("an entry of the state meets no revision of before, and later ones are larger", async () => {
      await using old = await from();
      await using fresh = await to();
      await using further = await from();
      const revisions: number[] = [];
      const write = async (log: EventLog, key: string): Promise<void> => {
        revisions.push((await log.state.set("fn:f", key, noise(10)))!);
      };
      {
        await using log = await old.open();
        for (const key of ["a", "b", "b", "b", "c"]) await write(log, key);
        await log.state.delete("fn:f", "c");
      }
      await move(old, fresh);
      {
        await using log = await fresh.open();
        const { revision } = (await log.state.get("fn:f", "a"))!;
        assert.ok(revision > Math.max(...revisions));
        for (const expect of revisions) {
          assert.equal(await log.state.set("fn:f", "a", noise(10), { expect }), undefined);
        }
        assert.ok((await log.state.set("fn:f", "a", noise(10), { expect: revision }))! > revision);
        await write(log, "c");
      }
      await move(fresh, further);
      await using log = await further.open();
      const { revision } = (await log.state.get("fn:f", "a"))!;
      assert.ok(revision > Math.max(...revisions));
    });

    test("positions keep their order, and the next event comes after them", async () => {
      await using old = await from();
      await using fresh = await to();
      let ids: string[];
      {
        await using log = await old.open();
        for (let i = 0; i < 5; i += 1) await log.append(newEvents(30));
        ids = idsOf(await everything(log)).toReversed();
      }
      await move(old, fresh);
      await using log = await fresh.open();
      const [first] = ids;
      assert.equal((await log.append([newEvent({ id: first! })]))[0]!.status, "duplicate");
      const [answer] = await log.append([newEvent({ id: "next" })]);
      assert.deepEqual(idsOf(await everything(log)).toReversed(), [...ids, "next"]);
      const [newest] = (await log.list({}, { limit: 1 })).items;
      assert.equal(newest!.position, answer!.position);
    });

    test("lists by time give what they gave before", async () => {
      await using old = await from();
      await using fresh = await to();
      let times: number[];
      let before: string[][];
      {
        await using log = await old.open();
        for (let i = 0; i < 40; i += 1) await log.append(newEvents(2));
        times = (await everything(log)).map(({ acceptedAt }) => acceptedAt);
        before = await byTime(log, times);
      }
      await move(old, fresh);
      await using log = await fresh.open();
      assert.deepEqual(await byTime(log, times), before);
    });

    test("a function gets what it had not settled, and nothing that it had", async () => {
      await using old = await from();
      await using fresh = await to();
      {
        await using log = await old.open();
        const input = Array.from({ length: 20 }, (_, i) => newEvent({ id: `e${i}` }));
        await log.append(input);
        await using consumer = new TestConsumer(log, { name: "f", concurrency: 10 });
        const taken = await consumer.take(10);
        for (const i of [0, 1, 4, 7, 9]) await settle(log, taken[i]!);
      }
      await move(old, fresh);
      await using log = await fresh.open();
      await using consumer = new TestConsumer(log, { name: "f" });
      const open = [2, 3, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19].map((i) => `e${i}`);
      const got = await consumer.take(open.length);
      assert.deepEqual(got.map(idOf).sort(), open.sort());
      assert.ok(got.every(({ attempt }) => attempt === 1));
      assert.ok(await consumer.idle(log));
    });

    test("a function that was done gets new events only, and types that it does not take never", async () => {
      await using old = await from();
      await using fresh = await to();
      {
        await using log = await old.open();
        await log.append([...newEvents(5), ...newEvents(3, { type: "org.other.x" })]);
        await using consumer = new TestConsumer(log, { name: "f" });
        for (const delivery of await consumer.take(5)) await settle(log, delivery);
      }
      await move(old, fresh);
      await using log = await fresh.open();
      await using consumer = new TestConsumer(log, { name: "f" });
      assert.ok(await consumer.idle(log));
      await log.append([newEvent({ id: "new" })]);
      assert.equal(idOf(await consumer.next()), "new");
    });

    test("what a run that was claimed has settled does not come to a function that is behind", async () => {
      await using old = await from();
      await using fresh = await to();
      {
        await using log = await old.open();
        await using consumer = new TestConsumer(log, { name: "f", concurrency: 1 });
        await log.append([newEvent({ id: "first" }), newEvent({ id: "second" })]);
        await consumer.next();
        const { durable } = log.claim(newEvent({ id: "claimed", target: "f" }), "f");
        await settle(log, (await durable).delivery!);
      }
      await move(old, fresh);
      await using log = await fresh.open();
      await using consumer = new TestConsumer(log, { name: "f" });
      assert.deepEqual((await consumer.take(2)).map(idOf), ["first", "second"]);
      assert.ok(await consumer.idle(log));
    });

    test("a delivery that waits for another attempt comes when it is due, with its number", async () => {
      await using old = await from();
      await using early = await to();
      await using late = await to();
      const dueAt = Date.now() + 3_600_000;
      {
        await using log = await old.open();
        await log.append([newEvent({ id: "a" })]);
        await using consumer = new TestConsumer(log, { name: "f" });
        await settle(log, await consumer.next(), { state: "retry", at: dueAt });
      }
      await move(old, early);
      {
        await using log = await early.open();
        await using consumer = new TestConsumer(log, { name: "f" });
        assert.ok(await consumer.idle(log));
      }
      await move(old, late);
      await using log = await late.open(() => dueAt + 1);
      await using consumer = new TestConsumer(log, { name: "f" });
      const delivery = await consumer.next();
      assert.deepEqual([idOf(delivery), delivery.attempt], ["a", 2]);
      await settle(log, delivery);
      assert.ok(await consumer.idle(log));
    });

    test("order per key holds across the move, for a retry that holds its key as well", async () => {
      await using old = await from();
      await using fresh = await to();
      const dueAt = Date.now() + 3_600_000;
      const orderKey: Subscription["orderKey"] = ({ event }) => event.subject;
      {
        await using log = await old.open();
        const input = ["a1", "b1", "a2", "b2", "c1", "a3", "c2"].map((id) =>
          newEvent({ id, subject: id[0]! }),
        );
        await log.append(input);
        await using consumer = new TestConsumer(log, { name: "f", orderKey });
        const taken = await consumer.take(3);
        const [a1, b1] = [taken.find(isId("a1"))!, taken.find(isId("b1"))!];
        await settle(log, a1, { state: "retry", at: dueAt });
        await settle(log, b1);
        // c1 and b2 are out, unsettled.
        assert.equal(idOf(await consumer.next()), "b2");
      }
      await move(old, fresh);
      {
        await using log = await fresh.open();
        await using consumer = new TestConsumer(log, { name: "f", orderKey });
        const taken = await consumer.take(2);
        assert.deepEqual(taken.map(idOf).sort(), ["b2", "c1"]);
        assert.ok(await consumer.idle(log));
        for (const delivery of taken) await settle(log, delivery);
        const last = await consumer.next();
        assert.equal(idOf(last), "c2");
        await settle(log, last);
        assert.ok(await consumer.idle(log));
      }
      await using log = await fresh.open(() => dueAt + 1);
      await using consumer = new TestConsumer(log, { name: "f", orderKey });
      for (const [id, attempt] of [
        ["a1", 2],
        ["a2", 1],
        ["a3", 1],
      ] as const) {
        const delivery = await consumer.next();
        assert.deepEqual([idOf(delivery), delivery.attempt], [id, attempt]);
        await settle(log, delivery);
      }
      assert.ok(await consumer.idle(log));
    });

    test("a dead letter can be redriven", async () => {
      await using old = await from();
      await using fresh = await to();
      {
        await using log = await old.open();
        await log.append([newEvent({ id: "a" }), newEvent({ id: "b" })]);
        await using consumer = new TestConsumer(log, { name: "f" });
        for (const delivery of await consumer.take(2)) await settle(log, delivery, DEAD);
      }
      await move(old, fresh);
      await using log = await fresh.open();
      await using consumer = new TestConsumer(log, { name: "f" });
      const [, letter] = (await log.deadLetters.list({}, { limit: 10 })).items;
      assert.equal(await log.deadLetters.redrive(letter!.id), true);
      const delivery = await consumer.next();
      assert.deepEqual([idOf(delivery), delivery.attempt], [letter!.event_id, 1]);
      assert.equal((await log.deadLetters.list({}, { limit: 10 })).items.length, 1);
    });

    test("a log whose newest events retention removed does not give their positions again", async () => {
      await using old = await from();
      await using fresh = await to();
      {
        await using log = await old.open();
        await log.append(newEvents(10));
        await using consumer = new TestConsumer(log, { name: "f" });
        for (const delivery of await consumer.take(10)) await settle(log, delivery);
        await log.trim({ events: { maxBytes: 0 }, invocations: {} });
      }
      await move(old, fresh);
      await using log = await fresh.open();
      await using consumer = new TestConsumer(log, { name: "f" });
      await log.append([newEvent({ id: "new" })]);
      assert.equal(idOf(await consumer.next()), "new");
    });

    test("a source is one moment of a log that goes on", async () => {
      await using old = await from();
      await using fresh = await to();
      await using log = await old.open();
      await log.append(newEvents(50));
      await using consumer = new TestConsumer(log, { name: "f" });
      for (const delivery of await consumer.take(20)) await settle(log, delivery);
      const before = await contents(log);
      {
        await using source = await old.source();
        await log.append(newEvents(50));
        for (const delivery of await consumer.take(20)) await settle(log, delivery);
        await using target = await fresh.target();
        await transfer(source, target);
      }
      await using moved = await fresh.open();
      assert.deepEqual(await contents(moved), before);
      await using other = new TestConsumer(moved, { name: "f" });
      assert.equal((await other.take(30)).length, 30);
      assert.ok(await other.idle(moved));
    });

    test("begin() refuses a log that holds something with LOG_NOT_EMPTY, and changes nothing", async () => {
      await using old = await from();
      await using fresh = await to();
      {
        await using log = await fresh.open();
        await log.append([newEvent({ id: "mine" })]);
      }
      {
        await using source = await old.open().then(async (log) => {
          await log.append(newEvents(3));
          await log[Symbol.asyncDispose]();
          return old.source();
        });
        await using target = await fresh.target();
        await assert.rejects(target.begin("archive", source.state), { code: "LOG_NOT_EMPTY" });
      }
      await using log = await fresh.open();
      assert.deepEqual(idsOf(await everything(log)), ["mine"]);
    });

    test("begin() refuses a log that holds state alone with LOG_NOT_EMPTY", async () => {
      await using fresh = await to();
      {
        await using log = await fresh.open();
        await log.state.set("fn:f", "k", noise(10));
      }
      await using target = await fresh.target();
      const empty = { tail: 0, revision: 0, deadLetters: [], retries: [], places: [] };
      await assert.rejects(target.begin("archive", empty), { code: "LOG_NOT_EMPTY" });
    });

    test("an import that was cut off goes on, keeps nothing twice, and no server opens the log before", async () => {
      await using old = await from();
      await using fresh = await to();
      let before: Contents;
      {
        await using log = await old.open();
        await log.append(newEvents(100));
        await using consumer = new TestConsumer(log, { name: "f" });
        for (const delivery of await consumer.take(40)) await settle(log, delivery);
        for (let i = 0; i < 30; i += 1) await log.state.set("fn:f", `k${i}`, noise(100));
        before = await contents(log);
      }
      await using source = await old.source();
      {
        await using target = await fresh.target();
        assert.equal(await target.begin("archive", source.state), "begun");
        const events = await all(source.events(0));
        await target.events(events.slice(0, 60));
        await target.values((await all(source.values())).slice(0, 20));
      }
      await assert.rejects(fresh.open(), { code: "IMPORT_UNFINISHED" });
      await assert.rejects(fresh.source(), { code: "IMPORT_UNFINISHED" });
      {
        await using target = await fresh.target();
        await assert.rejects(target.begin("other", source.state), { code: "LOG_NOT_EMPTY" });
      }
      {
        await using target = await fresh.target();
        assert.equal(await transfer(source, target), "continued");
      }
      {
        await using target = await fresh.target();
        assert.equal(await target.begin("archive", source.state), "done");
      }
      await using log = await fresh.open();
      assert.deepEqual(await contents(log), before);
      await using consumer = new TestConsumer(log, { name: "f" });
      assert.equal((await consumer.take(60)).length, 60);
      assert.ok(await consumer.idle(log));
    });

    test("whatever functions did, nobody runs again what was settled and everybody gets the rest", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
          await using old = await from();
          await using fresh = await to();
          let before: Contents;
          const open = { f: new Set<string>(), g: new Set<string>() };
          {
            await using log = await old.open();
            await play(log, steps, open);
            before = await contents(log);
          }
          await move(old, fresh);
          await using log = await fresh.open(() => Date.now() + 7_200_000);
          assert.deepEqual(await contents(log), before);
          for (const name of ["f", "g"] as const) {
            await using consumer = new TestConsumer(log, { name, concurrency: 1000 });
            const got = await consumer.take(open[name].size);
            assert.deepEqual(got.map(idOf).sort(), [...open[name]].sort());
            assert.ok(await consumer.idle(log));
          }
        }),
        { numRuns: plans },
      );
    });
  });
}

const step = fc.oneof(
  fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 1, max: 20 }) }),
  fc.record({
    do: fc.constant("take" as const),
    name: fc.constantFrom("f" as const, "g" as const),
  }),
  fc.record({
    do: fc.constantFrom("done" as const, "dead" as const, "retry" as const),
    name: fc.constantFrom("f" as const, "g" as const),
    which: fc.nat(20),
    recording: fc.option(fc.uint8Array({ maxLength: 500 }), { nil: undefined }),
  }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Does the steps; `open` is told what each function has still to run, retries included. */
async function play(
  log: EventLog,
  steps: readonly Step[],
  open: Readonly<Record<"f" | "g", Set<string>>>,
): Promise<void> {
  await using f = new TestConsumer(log, { name: "f", concurrency: 1000 });
  await using g = new TestConsumer(log, { name: "g", concurrency: 1000 });
  const consumers = { f, g };
  const untaken = { f: 0, g: 0 };
  const out: Record<"f" | "g", Delivery[]> = { f: [], g: [] };
  for (const each of steps) {
    if (each.do === "append") {
      const events = newEvents(each.count);
      await log.append(events);
      for (const name of ["f", "g"] as const) {
        untaken[name] += each.count;
        for (const { event } of events) open[name].add(event.id);
      }
    } else if (each.do === "take") {
      const count = Math.min(untaken[each.name], 5);
      out[each.name].push(...(await consumers[each.name].take(count)));
      untaken[each.name] -= count;
    } else {
      const [delivery] = out[each.name].splice(each.which % (out[each.name].length || 1), 1);
      if (delivery === undefined) continue;
      if (each.do !== "retry") open[each.name].delete(idOf(delivery));
      const retry = { state: "retry", at: Date.now() + 3_600_000 } as const;
      const settlement = settlementOf(delivery, { done: DONE, dead: DEAD, retry }[each.do]);
      const { recording } = each;
      await log.settle(
        delivery,
        recording === undefined ? settlement : { ...settlement, recording },
      );
    }
  }
}

async function move(old: TransferStore, fresh: TransferStore): Promise<void> {
  await using source = await old.source();
  await using target = await fresh.target();
  assert.equal(await transfer(source, target), "begun");
}

async function transfer(source: LogSource, target: LogTarget): Promise<string> {
  const begun = await target.begin("archive", source.state);
  await target.events(await all(source.events(0)));
  await target.invocations(await all(source.invocations(undefined)));
  await target.values(await all(source.values()));
  await target.finish();
  return begun;
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(source);
}

/** Everything that can be read, with events' ids in the place of positions. */
export interface Contents {
  readonly events: unknown;
  readonly invocations: unknown;
  /** Of each record, in Latin-1. */
  readonly recordings: readonly (string | undefined)[];
  readonly deadLetters: unknown;
  /** Without revisions. */
  readonly state: readonly unknown[];
}

export async function contents(log: EventLog): Promise<Contents> {
  const events = await everything(log);
  const idAt = new Map(events.map(({ position, event }) => [position, event.id]));
  const named = <T extends { readonly id: string; readonly position: number }>(
    items: readonly T[],
  ) =>
    items
      .map((item) => ({ ...item, position: idAt.get(item.position) }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  const invocations = (await allPages((page) => log.invocations.list({}, page), 500)).flat();
  const letters = (await allPages((page) => log.deadLetters.list({}, page), 500)).flat();
  const records = named(invocations);
  const recordings = await Promise.all(records.map(({ id }) => log.invocations.recording(id)));
  return {
    events: events.map(({ event, meta, acceptedAt }) => ({
      meta,
      acceptedAt,
      event: { ...event, json: Buffer.from(event.json).toString("latin1") },
    })),
    invocations: records,
    recordings: recordings.map((bytes) => bytes && Buffer.from(bytes).toString("latin1")),
    deadLetters: named(letters),
    state: (await Promise.all(NAMESPACES.map((name) => valuesIn(log, name)))).flat(),
  };
}

const NAMESPACES = ["fn:f", "fn:f.g"];

async function valuesIn(log: EventLog, namespace: string): Promise<unknown[]> {
  const items: StateEntry[] = [];
  for (let more = true; more;) {
    const { key: after } = items.at(-1) ?? {};
    const query = after === undefined ? { limit: 1000 } : { limit: 1000, after };
    const page = await log.state.list(namespace, query);
    items.push(...page.items);
    ({ more } = page);
  }
  return items.map(({ key, value, expiresAt }) => {
    return { namespace, key, value: Buffer.from(value).toString("latin1"), expiresAt };
  });
}

/** Newest first. */
async function everything(log: EventLog): Promise<StoredEvent[]> {
  return (await allPages((page) => log.list({}, page), 500)).flat();
}

function byTime(log: EventLog, times: readonly number[]): Promise<string[][]> {
  const some = [times[0]!, times[20]!, times[41]!, times[79]!];
  return Promise.all(
    some.flatMap((time) =>
      [{ since: time }, { until: time }].map(async (filter) =>
        idsOf((await log.list(filter, { limit: 100 })).items),
      ),
    ),
  );
}

function idsOf(events: readonly StoredEvent[]): string[] {
  return events.map(({ event }) => event.id);
}

function idOf({ stored }: Delivery): string {
  return stored.event.id;
}

function isId(id: string): (delivery: Delivery) => boolean {
  return (delivery) => idOf(delivery) === id;
}
