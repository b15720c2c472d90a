import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startChild } from "../testing/child.ts";
import { allPages, newEvents, settle, TestConsumer } from "../testing/fixtures.ts";
import type { LoadMessage } from "../testing/load.ts";
import { embeddedLog } from "./embedded.ts";

const LOAD = new URL("../testing/load.ts", import.meta.url);
const ROUNDS = 8;
const FUNCTIONS = ["fn", "other"];

test("a process killed under load loses nothing it acknowledged, repeats no position, and settles what it did not", async () => {
  const dir = await mkdtemp(join(tmpdir(), "nexus-log-"));
  const acknowledged = new Map<string, number>();
  const handed = new Map(FUNCTIONS.map((name) => [name, new Set<number>()]));
  const settled = new Map(FUNCTIONS.map((name) => [name, new Set<number>()]));
  for (let round = 0; round < ROUNDS; round += 1) {
    const load = startChild(LOAD, [dir, String(round)]);
    const again = new Map(FUNCTIONS.map((name) => [name, new Set<number>()]));
    const enough = Promise.withResolvers<void>();
    let count = 0;
    load.child.on("message", (message: LoadMessage) => {
      count += 1;
      if (count === 1000 + round * 300) enough.resolve();
      if (message.kind === "acknowledged") {
        assert.ok(!acknowledged.has(message.id));
        acknowledged.set(message.id, message.position);
      } else {
        const { name, position } = message;
        (message.kind === "handed" ? again : settled).get(name)!.add(position);
        handed.get(name)!.add(position);
      }
    });
    const before = new Map(FUNCTIONS.map((name) => [name, new Set(settled.get(name))]));
    await enough.promise;
    await load.kill();
    for (const name of FUNCTIONS) {
      for (const position of again.get(name)!) {
        assert.ok(!before.get(name)!.has(position), `${name} got ${position} after it was settled`);
      }
    }
  }
  assert.equal(new Set(acknowledged.values()).size, acknowledged.size);

  await using log = await embeddedLog({ dir });
  for (const [id, position] of acknowledged) {
    assert.equal((await log.find(id))?.position, position, id);
  }
  const all = (await allPages((page) => log.list({}, page), 1000)).flat();
  const { events, tail } = await log.status();
  assert.equal(all.length, events);
  assert.equal(all[0]!.position, tail);
  const records = (await allPages((page) => log.invocations.list({}, page), 1000)).flat();
  assert.ok(records.length > 1000);
  for (const { id } of records) {
    assert.deepEqual(await log.invocations.recording(id), Buffer.from(id));
  }
  for (const name of FUNCTIONS) {
    await using consumer = new TestConsumer(log, { name, patterns: ["com.*"], concurrency: 100 });
    const missing = new Set(all.map(({ position }) => position));
    for (const position of settled.get(name)!) missing.delete(position);
    // What was settled just before a kill may not have been told; its record has.
    for (const position of missing) {
      const records = await log.invocations.ofEvent(position);
      const done = records.some((record) => record.function === name && record.delivery === "done");
      if (done) missing.delete(position);
    }
    while (missing.size > 0) {
      const delivery = await consumer.next();
      assert.ok(missing.delete(delivery.stored.position), "it was settled before");
      await settle(log, delivery);
    }
    assert.ok(await consumer.idle(log));
  }
  await rm(dir, { recursive: true });
});

test("consume() with `orderKey` takes a bounded number of one key's deliveries into memory, and goes on as they are settled", async () => {
  const dir = await mkdtemp(join(tmpdir(), "nexus-log-"));
  {
    await using log = await embeddedLog({ dir });
    await log.append(newEvents(5000, { subject: "busy" }));
    const [other] = await log.append(newEvents(1, { subject: "other" }));
    await using consumer = new TestConsumer(log, {
      name: "fn",
      concurrency: 2,
      orderKey: ({ event }) => event.subject,
    });
    const last = other!.position;
    const settling: Promise<void>[] = [];
    for (let settled = 0; ; settled += 1) {
      const delivery = await consumer.next();
      if (delivery.stored.position === last) {
        assert.ok(settled > 800, `the other key came after ${settled}`);
        break;
      }
      assert.ok(settled < 1000, "the other key did not come");
      settling.push(settle(log, delivery));
    }
    await Promise.all(settling);
  }
  await rm(dir, { recursive: true });
});
