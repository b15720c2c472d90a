import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogEntry } from "../log.ts";
import { invocationOf, newEvent, newEvents, type TestStore } from "./fixtures.ts";

export function testWatch(make: () => Promise<TestStore>): void {
  test("watch() tells events in order and each record after its event, from now on, until its signal", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append(newEvents(2));
    const abort = new AbortController();
    const entries = log.watch(abort.signal)[Symbol.asyncIterator]();
    await log.append([newEvent({ id: "a" }), newEvent({ id: "b" })]);
    const stored = (await log.find("a"))!;
    await log.record(invocationOf(stored, "fn", { output: "mine" }), []);
    const got: LogEntry[] = [];
    for (let i = 0; i < 3; i += 1) got.push((await entries.next()).value as LogEntry);
    const told = got.map((entry) =>
      entry.kind === "event"
        ? entry.stored.event.id
        : entry.kind === "invocation"
          ? entry.invocation.output
          : entry.missed,
    );
    assert.deepEqual(
      told.filter((id) => id !== "mine"),
      ["a", "b"],
    );
    assert.ok(told.indexOf("mine") > told.indexOf("a"), `told: ${told.join(", ")}`);
    const last = entries.next();
    abort.abort();
    assert.equal((await last).done, true);
  });

  test("watch() gives a watcher that falls far behind a gap, and then goes on", async () => {
    await using store = await make();
    await using log = await store.open();
    const abort = new AbortController();
    const entries = log.watch(abort.signal)[Symbol.asyncIterator]();
    // Another one that reads at once: what it was told of, the first one was offered.
    const quick = log.watch(abort.signal)[Symbol.asyncIterator]();
    const appended = log.append(newEvents(10_007));
    for (let told = 0; told < 10_007;) {
      const entry = (await quick.next()).value as LogEntry;
      told += entry.kind === "gap" ? entry.missed : 1;
    }
    await appended;
    let events = 0;
    for (;;) {
      const entry = (await entries.next()).value as LogEntry;
      if (entry.kind === "gap") {
        assert.equal(entry.missed, 7);
        break;
      }
      events += 1;
    }
    assert.equal(events, 10_000);
    await log.append([newEvent({ id: "after" })]);
    const entry = (await entries.next()).value as LogEntry;
    assert.equal(entry.kind === "event" && entry.stored.event.id, "after");
    abort.abort();
  });
}
