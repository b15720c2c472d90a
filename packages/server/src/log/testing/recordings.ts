import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { StoredEvent } from "../../core/event.ts";
import { uuidv7 } from "../../core/ids.ts";
import type { Invocation } from "../../core/invocation.ts";
import type { EventLog, LogEntry } from "../log.ts";
import {
  DEAD,
  invocationOf,
  newEvent,
  newEvents,
  noise,
  settlementOf,
  TestConsumer,
  type TestStore,
} from "./fixtures.ts";

export function testRecordings(make: () => Promise<TestStore>): void {
  test("settle() and record() keep a recording byte for byte, also when the log is opened again", async () => {
    await using store = await make();
    const kept = new Map<string, Uint8Array | undefined>();
    {
      await using log = await store.open();
      await log.append(newEvents(4));
      await using consumer = new TestConsumer(log, { name: "fn" });
      const [done, dead, retry, plain] = await consumer.take(4);
      const later = { state: "retry", at: Date.now() + 3_600_000 } as const;
      for (const settlement of [
        { ...settlementOf(done!), recording: noise(200) },
        { ...settlementOf(dead!, DEAD), recording: Buffer.from("}{\0\r\n") },
        { ...settlementOf(retry!, later), recording: new Uint8Array() },
        settlementOf(plain!),
      ]) {
        const { invocation, recording } = settlement;
        const of = [done, dead, retry, plain].find(
          (each) => each!.stored.position === invocation.position,
        );
        await log.settle(of!, settlement);
        kept.set(invocation.id, recording);
      }
      const replay = invocationOf(plain!.stored, "fn", { trigger: "replay" });
      // A piece of something larger, as messages between threads may be.
      kept.set(replay.id, noise(100).subarray(7, 50));
      await log.record(replay, [], kept.get(replay.id));
      await check(log, kept);
    }
    await using log = await store.open();
    await check(log, kept);
    for (const id of ["", "x", uuidv7(Date.now()), `${[...kept.keys()][0]!}0`, "y".repeat(5000)]) {
      assert.equal(await log.invocations.recording(id), undefined);
    }
  });

  test("claim() and settle() keep a recording", async () => {
    await using store = await make();
    await using log = await store.open();
    await using _consumer = new TestConsumer(log, { name: "fn" });
    const { delivery } = await log.claim(newEvent({ target: "fn" }), "fn").durable;
    const recording = noise(300);
    const settlement = { ...settlementOf(delivery!), recording };
    await log.settle(delivery!, settlement);
    await check(log, new Map([[settlement.invocation.id, recording]]));
  });

  test("get(), list(), ofEvent() and watch() give records as if they had no recordings", async () => {
    await using store = await make();
    await using log = await store.open();
    const stored = await storedOn(log);
    const stop = new AbortController();
    const watched = log.watch(stop.signal)[Symbol.asyncIterator]();
    // A busy cluster may begin with a gap in the place of the first records.
    for (let first: LogEntry["kind"] = "gap"; first !== "invocation";) {
      await log.record(invocationOf(stored, "fn"), []);
      first = ((await watched.next()).value as LogEntry).kind;
    }
    const recording = fc.option(fc.uint8Array({ maxLength: 3000 }), { nil: undefined });
    const output = fc.string({ unit: "binary", maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(recording, output), { minLength: 1, maxLength: 8 }),
        async (runs) => {
          const records = runs.map(([, output]) => invocationOf(stored, "fn", { output }));
          for (const [i, record] of records.entries()) await log.record(record, [], runs[i]![0]);
          const { length } = records;
          const { items } = await log.invocations.list({ function: "fn" }, { limit: length });
          assert.deepEqual(items.toReversed(), plain(records));
          const of = await log.invocations.ofEvent(stored.position);
          assert.deepEqual(of.slice(-length), plain(records));
          for (const record of records) {
            const [invocation] = plain([record]);
            assert.deepEqual(plain([await toldOf(record.id, watched)]), [invocation]);
            assert.deepEqual(await log.invocations.get(record.id), invocation);
          }
          await check(log, new Map(records.map(({ id }, i) => [id, runs[i]![0]])));
        },
      ),
      { numRuns: 25 },
    );
    stop.abort();
  });

  test("a recording that does not fit beside its record is left out; the record stays whole", async () => {
    await using store = await make();
    await using log = await store.open();
    const stored = await storedOn(log);
    const kept = new Map<string, Uint8Array | undefined>();
    const record = async (bytes: number, fits: boolean): Promise<void> => {
      const invocation = invocationOf(stored, "fn", { output: "o".repeat(1000) });
      const recording = noise(bytes);
      await log.record(invocation, [], recording);
      assert.deepEqual(await log.invocations.get(invocation.id), invocation);
      kept.set(invocation.id, fits ? recording : undefined);
    };
    const json = JSON.stringify(invocationOf(stored, "fn", { output: "o".repeat(1000) })).length;
    const room = log.maxEventBytes - json;
    for (const bytes of [1, 300_000, 1_048_576, 3_000_000]) await record(bytes, bytes <= room);
    if (room !== Infinity) {
      await record(room, true);
      await record(room + 1, false);
    }
    await check(log, kept);
  });

  test("trim() removes recordings with their records, by age and by size, which counts them", async () => {
    await using store = await make();
    let clock: number | undefined;
    await using log = await store.open(() => clock ?? Date.now());
    const stored = await storedOn(log);
    const kept = new Map<string, Uint8Array | undefined>();
    const fill = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 1) {
        const invocation = invocationOf(stored, "fn");
        kept.set(invocation.id, i % 5 === 0 ? undefined : noise(5000));
        await log.record(invocation, [], kept.get(invocation.id));
      }
    };
    const forget = (count: number): void => {
      for (const id of [...kept.keys()].slice(0, count)) kept.set(id, undefined);
    };
    await fill(20);
    // The records alone are less than this.
    const { invocations } = await log.trim({ events: {}, invocations: { maxBytes: 40_000 } });
    assert.ok(invocations >= 11 && invocations <= 16, `${invocations} of 20`);
    forget(invocations);
    await check(log, kept);

    await fill(3);
    const [newest] = (await log.invocations.list({}, { limit: 1 })).items;
    // Every record is older than that, by the store's clock as well.
    clock = Math.max(Date.now(), Date.parse(newest!.started_at)) + 60_000;
    const trimmed = await log.trim({ events: {}, invocations: { maxAgeMs: 30_000 } });
    assert.equal(trimmed.invocations, 23 - invocations);
    forget(kept.size);
    await check(log, kept);

    clock = undefined;
    await fill(2);
    await check(log, kept);
    assert.equal((await log.trim({ events: {}, invocations: { maxBytes: 8000 } })).invocations, 0);
  });
}

/** Checks what the log says of each run's recording. */
async function check(
  log: EventLog,
  wanted: ReadonlyMap<string, Uint8Array | undefined>,
): Promise<void> {
  for (const [id, recording] of wanted) {
    const found = await log.invocations.recording(id);
    if (recording === undefined) assert.equal(found, undefined);
    else assert.ok(found !== undefined && Buffer.from(recording).equals(found), id);
  }
}

/** The record with this id, as a watcher is told of it. */
async function toldOf(id: string, watched: AsyncIterator<LogEntry>): Promise<Invocation> {
  for (;;) {
    const entry = (await watched.next()).value as LogEntry;
    if (entry.kind === "invocation" && entry.invocation.id === id) return entry.invocation;
  }
}

async function storedOn(log: EventLog): Promise<StoredEvent> {
  await log.append([newEvent({ id: "e" })]);
  return (await log.find("e"))!;
}

/** As JSON has it: what is no Unicode in a string is replaced there. */
function plain<T>(values: readonly T[]): T[] {
  return JSON.parse(JSON.stringify(values)) as T[];
}
