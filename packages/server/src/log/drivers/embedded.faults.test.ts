import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { open } from "lmdb";
import type { Invocation } from "../../core/invocation.ts";
import { needsRoot, smallDisk } from "../../testing/disk.ts";
import { startChild } from "../testing/child.ts";
import {
  DONE,
  invocationOf,
  newEvent,
  newEvents,
  noise,
  settle,
  TestConsumer,
} from "../testing/fixtures.ts";
import type { StateLoadMessage } from "../testing/state-load.ts";
import { embeddedLog } from "./embedded.ts";
import { embeddedSource } from "./embedded/source.ts";

const STATE_LOAD = new URL("../testing/state-load.ts", import.meta.url);
const HOLD = new URL("../testing/hold.ts", import.meta.url);

test("embeddedLog() refuses a directory that another process uses, names it, and takes it once that one is killed", async () => {
  await using dir = await temporary();
  const other = startChild(HOLD, [dir.path]);
  await other.message();
  await assert.rejects(embeddedLog({ dir: dir.path }), (error: NodeJS.ErrnoException) => {
    assert.equal(error.code, "DATA_DIR_LOCKED");
    assert.match(error.message, new RegExp(`process id ${other.child.pid} `));
    return true;
  });
  await other.kill();
  await using log = await embeddedLog({ dir: dir.path });
  assert.equal((await log.append([newEvent()]))[0]!.status, "accepted");
});

test("embeddedLog() refuses a directory that this process uses already", async () => {
  await using dir = await temporary();
  {
    await using _log = await embeddedLog({ dir: dir.path });
    await assert.rejects(embeddedLog({ dir: dir.path }), { code: "DATA_DIR_LOCKED" });
  }
  await using log = await embeddedLog({ dir: dir.path });
  assert.equal((await log.status()).events, 0);
});

test("embeddedLog() refuses a path that is no directory, with its name", async () => {
  await using dir = await temporary();
  const file = join(dir.path, "file");
  await writeFile(file, "x");
  for (const path of [file, join(file, "below")]) {
    await assert.rejects(embeddedLog({ dir: path }), (error: NodeJS.ErrnoException) => {
      assert.equal(error.code, "DATA_DIR_UNUSABLE");
      assert.ok(error.message.includes(path));
      return true;
    });
  }
});

test("embeddedLog() refuses a file that is no event log, and leaves the directory free", async () => {
  await using dir = await temporary();
  await writeFile(join(dir.path, "events.mdb"), "not a database ".repeat(2000));
  await assert.rejects(embeddedLog({ dir: dir.path }), { code: "DATA_DIR_UNUSABLE" });
  await rm(join(dir.path, "events.mdb"));
  await using log = await embeddedLog({ dir: dir.path });
  assert.equal((await log.status()).events, 0);
});

test("embeddedLog() refuses a store of a newer format", async () => {
  await using dir = await temporary();
  {
    await using log = await embeddedLog({ dir: dir.path });
    await log.append([newEvent()]);
  }
  await exchangeFormat(dir.path, 200);
  await assert.rejects(embeddedLog({ dir: dir.path }), {
    code: "DATA_DIR_UNUSABLE",
    message: /format 200.*newer version/,
  });
});

for (const format of [1, 2]) {
  test(`embeddedLog() goes on with a store of format ${format}, which an older version then refuses`, async () => {
    await using dir = await temporary();
    let old: Invocation;
    {
      await using log = await embeddedLog({ dir: dir.path });
      await log.append([newEvent({ id: "e" })]); // alone in its batch, it is written as format 1 has it
      old = invocationOf((await log.find("e"))!, "fn");
      await log.record(old, []); // without a recording, as formats 1 and 2 have it
    }
    await exchangeFormat(dir.path, format);
    {
      await using source = await embeddedSource(dir.path);
      const [kept] = await Array.fromAsync(source.invocations(undefined));
      assert.deepEqual([kept!.invocation, kept!.recording], [old, undefined]);
    }
    {
      await using log = await embeddedLog({ dir: dir.path });
      await log.append([newEvent(), newEvent()]);
      assert.equal((await log.list({ type: newEvent().event.type }, { limit: 9 })).items.length, 3);
      const fresh = invocationOf((await log.find("e"))!, "fn");
      await log.record(fresh, [], noise(10));
      assert.equal(await log.state.get("fn", "k"), undefined);
      await log.state.set("fn", "k", noise(10), { expect: "absent" });
      assert.equal((await log.state.list("fn", { limit: 9 })).items.length, 1);
      assert.deepEqual((await log.invocations.list({}, { limit: 9 })).items, [fresh, old]);
      assert.equal((await log.invocations.recording(fresh.id))?.length, 10);
      assert.equal(await log.invocations.recording(old.id), undefined);
    }
    assert.equal(await exchangeFormat(dir.path, format), 3);
  });
}

/** Gives the store another format; resolves with the one it had. */
async function exchangeFormat(dir: string, format: number): Promise<number | undefined> {
  const path = join(dir, "events.mdb");
  const store = open<Buffer, Buffer>({ path, maxDbs: 32, noSubdir: true });
  const meta = store.openDB<Buffer, Buffer>("meta", { encoding: "binary", keyEncoding: "binary" });
  const before = meta.get(Buffer.from("format"))?.[0];
  await meta.put(Buffer.from("format"), Buffer.from([format]));
  await store.close();
  return before;
}

test("embeddedLog() refuses a read-only directory", needsRoot, async () => {
  await using disk = await smallDisk("1m");
  const dir = join(disk.path, "data");
  await mkdir(dir);
  disk.makeReadOnly();
  await assert.rejects(embeddedLog({ dir }), { code: "DATA_DIR_UNUSABLE" });
  await assert.rejects(embeddedLog({ dir: join(disk.path, "new") }), { code: "DATA_DIR_UNUSABLE" });
});

test(
  "append() on a full disk rejects with LOG_FULL, loses nothing, and goes on when there is room",
  needsRoot,
  async () => {
    await using disk = await smallDisk("4m");
    const ballast = join(disk.path, "ballast");
    await writeFile(ballast, Buffer.alloc(1024 * 1024));
    const acknowledged: string[] = [];
    const refused: string[] = [];
    {
      await using log = await embeddedLog({ dir: join(disk.path, "data") });
      await using consumer = new TestConsumer(log, { name: "fn" });
      const held = newEvent();
      await log.append([held]);
      const delivery = await consumer.next();
      const writer = async (): Promise<void> => {
        for (;;) {
          const events = newEvents(5, { data: "x".repeat(1000) });
          const ids = events.map(({ event }) => event.id);
          try {
            await log.append(events);
            acknowledged.push(...ids);
          } catch (error) {
            assert.equal((error as NodeJS.ErrnoException).code, "LOG_FULL");
            refused.push(...ids);
            return;
          }
        }
      };
      await Promise.all(Array.from({ length: 8 }, writer));
      assert.ok(acknowledged.length > 100);
      const last = (await log.status()).tail;
      const big = () => newEvent({ data: "y".repeat(100_000) });
      await assert.rejects(log.append([big()]), { code: "LOG_FULL" });
      const claimed = log.claim(big(), "fn");
      await assert.rejects(claimed.durable, { code: "LOG_FULL" });
      await assert.rejects(settle(log, delivery, DONE, [big()]), { code: "LOG_FULL" });
      assert.equal((await log.invocations.ofEvent(delivery.stored.position)).length, 0);

      await rm(ballast);
      const [answer] = await log.append([newEvent()]);
      assert.ok(answer!.position > last);
      await settle(log, delivery);
      assert.equal((await log.invocations.ofEvent(delivery.stored.position)).length, 1);
      const [again] = await log.append([newEvent({ id: refused[0]! })]);
      assert.equal(again!.status, "accepted");
    }
    await using log = await embeddedLog({ dir: join(disk.path, "data") });
    for (const id of acknowledged) assert.ok(await log.find(id), id);
    for (const id of refused.slice(1)) assert.equal(await log.find(id), undefined);
    assert.equal((await log.status()).events, acknowledged.length + 3);
  },
);

test("trim() makes room on a full disk", needsRoot, async () => {
  await using disk = await smallDisk("4m");
  await using log = await embeddedLog({ dir: join(disk.path, "data") });
  const fill = async (): Promise<void> => {
    for (;;) await log.append(newEvents(20, { data: "x".repeat(1000) }));
  };
  await assert.rejects(fill(), { code: "LOG_FULL" });
  const { events } = await log.trim({ events: { maxBytes: 500_000 }, invocations: {} });
  assert.ok(events > 100);
  await log.append(newEvents(100, { data: "x".repeat(1000) }));
});

test("state of a process killed under load has every write it acknowledged, and repeats no revision", async () => {
  await using dir = await temporary();
  const last = new Map<string, StateLoadMessage>();
  let largest = 0;
  for (let round = 0; round < 3; round += 1) {
    const load = startChild(STATE_LOAD, [dir.path, String(1 + round * 1_000_000)]);
    const enough = Promise.withResolvers<void>();
    let count = 0;
    load.child.on("message", (message: StateLoadMessage) => {
      const { key, revision } = message;
      if (revision > 0) {
        const before = last.get(key)?.revision ?? 0;
        assert.ok(revision > before, `${key}: ${revision} after ${before}`);
        largest = Math.max(largest, revision);
      }
      last.set(key, message);
      count += 1;
      if (count === 500) enough.resolve();
    });
    await enough.promise;
    const told = once(load.child, "disconnect"); // after the last message
    await load.kill();
    await told;
    await using log = await embeddedLog({ dir: dir.path });
    for (const [key, { number }] of last) {
      const entry = await log.state.get("load", key);
      const found = entry === undefined ? undefined : Number(Buffer.from(entry.value));
      // One more may have been kept, and the answer lost.
      const possible = [number, number + 1].map((n) => (n % 3 === 0 ? undefined : n));
      assert.ok(possible.includes(found), `${key}: ${found}, and ${number} was acknowledged`);
    }
    assert.ok((await log.state.set("load", "new", noise(1)))! > largest);
  }
});

test(
  "state on a full disk rejects with LOG_FULL, changes nothing, and goes on when there is room",
  needsRoot,
  async () => {
    await using disk = await smallDisk("4m");
    const ballast = join(disk.path, "ballast");
    await writeFile(ballast, Buffer.alloc(1024 * 1024));
    const dir = join(disk.path, "data");
    const kept = new Map<string, number>();
    let clock = Date.now();
    {
      await using log = await embeddedLog({ dir, now: () => clock });
      const soon = { expiresAt: clock + 1000 };
      const fill = async (writer: number): Promise<void> => {
        for (let i = 0; ; i += 1) {
          const key = `${writer} ${i}`;
          const options = i % 2 === 0 ? soon : {};
          kept.set(key, (await log.state.set("fn", key, noise(3000), options))!);
        }
      };
      for (const filling of [0, 1, 2].map(fill)) {
        await assert.rejects(filling, { code: "LOG_FULL" });
      }
      const [[key, revision]] = [...kept] as [[string, number]];
      const large = noise(400_000);
      const expect = { expect: revision };
      await assert.rejects(log.state.set("fn", key, large, expect), { code: "LOG_FULL" });
      assert.equal((await log.state.get("fn", key))!.revision, revision);
      clock += 1000;
      await rm(ballast);
      await log.trim({ events: {}, invocations: {} });
      assert.equal((await log.state.set("fn", "later", large, { expect: "absent" }))! > 0, true);
    }
    await using log = await embeddedLog({ dir, now: () => clock - 1000 });
    for (const [key, revision] of kept) {
      const entry = await log.state.get("fn", key);
      assert.equal(
        entry?.revision,
        Number(key.split(" ")[1]) % 2 === 0 ? undefined : revision,
        key,
      );
    }
  },
);

async function temporary() {
  const path = await mkdtemp(join(tmpdir(), "nexus-log-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
