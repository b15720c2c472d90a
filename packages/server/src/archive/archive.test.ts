import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import fc from "fast-check";
import { moduleStore } from "../functions/module-store.ts";
import { embeddedLog } from "../log/drivers/embedded.ts";
import { embeddedSource } from "../log/drivers/embedded/source.ts";
import { embeddedTarget } from "../log/drivers/embedded/target.ts";
import { natsLog } from "../log/drivers/nats.ts";
import { natsSource } from "../log/drivers/nats/source.ts";
import { natsTarget } from "../log/drivers/nats/target.ts";
import type { EventLog } from "../log/log.ts";
import {
  DEAD,
  DONE,
  newEvents,
  noise,
  settlementOf,
  TestConsumer,
} from "../log/testing/fixtures.ts";
import { contents, type Contents } from "../log/testing/transfer.ts";
import type { LogSource, LogTarget } from "../log/transfer.ts";
import { startNats } from "../testing/nats.ts";
import { exportArchive, type Exported, type ExportOptions, partOf } from "./export.ts";
import { checkArchive, importArchive, type ImportOptions } from "./import.ts";
import { encodeEntry, encodeFrame, decodeFrame } from "./format.ts";
import { readFrames, trailerOf } from "./reader.ts";

const NEVER = new AbortController().signal;
const QUIET = { onProgress: () => undefined, signal: NEVER };

test("exportArchive() and importArchive() take a log to NATS and back, with its modules", async () => {
  await using folder = await temporary();
  await using server = await startNats();
  const connection = await connect({ servers: server.url });
  const before = await fill(folder.at("old"), 300);
  const modules = moduleStore(folder.at("modules"));
  const bytes = [new Uint8Array([1, 2, 3]), new Uint8Array(3_000_000).fill(7)];
  const names = await Promise.all(bytes.map((each) => modules.put(each)));
  const there = moduleStore(folder.at("there"));
  const back = moduleStore(folder.at("back"));

  const first = await exported(folder, "a.nexus", await embeddedSource(folder.at("old")), {
    modules,
  });
  assert.deepEqual(first.counts, {
    events: 300,
    invocations: 90,
    dead_letters: 30,
    retries: 30,
    functions: 1,
    modules: 2,
    values: 120,
  });
  await imported(folder, "a.nexus", await natsTarget({ connection, prefix: "x" }), {
    modules: there,
  });
  {
    await using log = await natsLog({ connection, prefix: "x" });
    assert.deepEqual(await contents(log), before);
  }
  const second = await exported(folder, "b.nexus", await natsSource({ connection, prefix: "x" }), {
    modules: there,
  });
  assert.deepEqual(second.counts, first.counts);
  await imported(folder, "b.nexus", await embeddedTarget(folder.at("new")), { modules: back });
  await using log = await embeddedLog({ dir: folder.at("new") });
  assert.deepEqual(await contents(log), before);
  assert.deepEqual(await back.list(), names.toSorted());
  assert.deepEqual(Buffer.from((await back.get(names[1]!))!), Buffer.from(bytes[1]!));
  await remaining(log, 210);
  await connection.close();
});

test("checkArchive() refuses an archive with any one bit changed, and with any part of its end missing", async () => {
  await using folder = await temporary();
  await fill(folder.at("old"), 40);
  await exported(folder, "a.nexus", await embeddedSource(folder.at("old")));
  const whole = await readFile(folder.at("a.nexus"));
  const refused = async (bytes: Uint8Array): Promise<void> => {
    await writeFile(folder.at("bad.nexus"), bytes);
    await assert.rejects(checkArchive(folder.at("bad.nexus"), QUIET), { code: "ARCHIVE_INVALID" });
  };
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (at, bit) => {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1 << bit;
      await refused(changed);
      await refused(whole.subarray(0, at));
    }),
    { numRuns: 150 },
  );
  await refused(Buffer.concat([whole, Buffer.from([0])]));
});

test("checkArchive() refuses parts of two archives put together", async () => {
  await using folder = await temporary();
  await fill(folder.at("one"), 20);
  await fill(folder.at("two"), 20);
  await exported(folder, "one.nexus", await embeddedSource(folder.at("one")));
  await exported(folder, "two.nexus", await embeddedSource(folder.at("two")));
  const [one, two] = await Promise.all(
    ["one.nexus", "two.nexus"].map(async (name) => {
      const bytes = await readFile(folder.at(name));
      const frames = await Array.fromAsync(readFrames(folder.at(name)));
      const events = frames.find(({ kind }) => kind === "events")!;
      return { bytes, at: events.at, end: events.end, frame: events.bytes };
    }),
  );
  const mixed = [one!.bytes.subarray(0, one!.at), two!.frame, one!.bytes.subarray(one!.end)];
  await writeFile(folder.at("mixed.nexus"), Buffer.concat(mixed));
  await assert.rejects(checkArchive(folder.at("mixed.nexus"), QUIET), {
    code: "ARCHIVE_INVALID",
    message: /not those that were written together/,
  });
});

test("importArchive() and exportArchive() take an archive of format 1, which has no recordings and no state", async () => {
  await using folder = await temporary();
  const before = await fill(folder.at("old"), 40);
  await exported(folder, "a.nexus", await embeddedSource(folder.at("old")));
  await makeFormat1(folder.at("a.nexus"));
  await copyFile(folder.at("a.nexus"), partOf(folder.at("b.nexus")));
  assert.equal((await checkArchive(folder.at("a.nexus"), QUIET)).counts.values, 0);
  await exported(folder, "b.nexus", await embeddedSource(folder.at("old")), { resume: true });
  const [one, two] = await Promise.all(["a", "b"].map((at) => readFile(folder.at(`${at}.nexus`))));
  assert.equal(one!.toString("latin1", 0, 16), "NEXUS ARCHIVE 1\n");
  assert.equal(two!.toString("latin1", 0, 16), "NEXUS ARCHIVE 2\n");
  for (const name of ["a", "b"]) {
    await imported(folder, `${name}.nexus`, await embeddedTarget(folder.at(name)));
    await using log = await embeddedLog({ dir: folder.at(name) });
    const recordings = before.recordings.map(() => undefined);
    const state = name === "a" ? [] : before.state;
    assert.deepEqual(await contents(log), { ...before, recordings, state });
  }
});

test("checkArchive() refuses an archive of a newer format, and names it", async () => {
  await using folder = await temporary();
  await fill(folder.at("old"), 20);
  await exported(folder, "a.nexus", await embeddedSource(folder.at("old")));
  const bytes = await readFile(folder.at("a.nexus"));
  bytes.write("NEXUS ARCHIVE 9\n", "latin1");
  await writeFile(folder.at("a.nexus"), bytes);
  await assert.rejects(checkArchive(folder.at("a.nexus"), QUIET), {
    code: "ARCHIVE_INVALID",
    message: /format 9.*newer version/,
  });
});

test("importArchive() of a damaged archive leaves the log as it was", async () => {
  await using folder = await temporary();
  await fill(folder.at("old"), 20);
  await exported(folder, "a.nexus", await embeddedSource(folder.at("old")));
  await truncate(folder.at("a.nexus"), (await stat(folder.at("a.nexus"))).size - 1);
  await assert.rejects(imported(folder, "a.nexus", await embeddedTarget(folder.at("new"))), {
    code: "ARCHIVE_INVALID",
  });
  await using log = await embeddedLog({ dir: folder.at("new") });
  assert.equal((await log.status()).events, 0);
});

test("exportArchive() goes on where it was cut off, wherever that was, while the log goes on too", async () => {
  await using folder = await temporary();
  const old = folder.at("old");
  await fill(old, 2_000, 2_000);
  await exported(folder, "whole.nexus", await embeddedSource(old));
  const { size } = await stat(folder.at("whole.nexus"));
  const frames = await Array.fromAsync(readFrames(folder.at("whole.nexus")));
  assert.ok(frames.length > 6, `${frames.length} frames`);
  const before = await fill(old, 50);
  const line = frames[0]!.at;
  for (const share of [0, 0.1, 0.35, 0.6, 0.8, 0.93, 0.99, 1]) {
    const name = `${share}.nexus`;
    await copyFile(folder.at("whole.nexus"), partOf(folder.at(name)));
    await truncate(partOf(folder.at(name)), line + Math.round((size - line) * share));
    await exported(folder, name, await embeddedSource(old), { resume: true });
    await imported(folder, name, await embeddedTarget(folder.at(`${share}`)));
    await using log = await embeddedLog({ dir: folder.at(`${share}`) });
    assert.deepEqual(await contents(log), before);
  }
});

test("exportArchive() that is stopped leaves what it has, and no archive", async () => {
  await using folder = await temporary();
  await fill(folder.at("old"), 3_000, 1_000);
  const stop = new AbortController();
  const source = await embeddedSource(folder.at("old"));
  const onProgress: ExportOptions["onProgress"] = ({ done }) => {
    if (done >= 1_000) stop.abort();
  };
  const stopped = exported(folder, "a.nexus", source, { onProgress, signal: stop.signal });
  await assert.rejects(stopped, { name: "AbortError" });
  await assert.rejects(stat(folder.at("a.nexus")), { code: "ENOENT" });
  const checked: string[] = [];
  const { counts } = await exported(folder, "a.nexus", await embeddedSource(folder.at("old")), {
    resume: true,
    onProgress: ({ what }) => checked.push(what),
  });
  assert.equal(counts.events, 3_000);
  assert.ok(checked.includes("checking"));
});

test("exportArchive() does not go on with what was begun from another log", async () => {
  await using folder = await temporary();
  await fill(folder.at("one"), 50);
  await fill(folder.at("two"), 60);
  await exported(folder, "one.nexus", await embeddedSource(folder.at("one")));
  await copyFile(folder.at("one.nexus"), partOf(folder.at("a.nexus")));
  const other = exported(folder, "a.nexus", await embeddedSource(folder.at("two")), {
    resume: true,
  });
  await assert.rejects(other, { code: "ARCHIVE_INVALID", message: /begun from another log/ });
});

test("importArchive() that is stopped goes on, and a third time changes nothing", async () => {
  await using folder = await temporary();
  const before = await fill(folder.at("old"), 3_000, 1_000);
  await exported(folder, "a.nexus", await embeddedSource(folder.at("old")));
  const stop = new AbortController();
  const stopped = imported(folder, "a.nexus", await embeddedTarget(folder.at("new")), {
    onProgress: ({ what, done }) => {
      if (what === "events" && done >= 1_000) stop.abort();
    },
    signal: stop.signal,
  });
  await assert.rejects(stopped, { name: "AbortError" });
  const go = async (): Promise<string> =>
    imported(folder, "a.nexus", await embeddedTarget(folder.at("new")));
  assert.equal(await go(), "continued");
  assert.equal(await go(), "done");
  await using log = await embeddedLog({ dir: folder.at("new") });
  assert.deepEqual(await contents(log), before);
  await remaining(log, 2_100);
});

interface Folder extends AsyncDisposable {
  at(name: string): string;
}

async function temporary(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "nexus-archive-"));
  return {
    at: (name) => join(path, name),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/**
 * Appends so many events, of which "f" settles three tenths in three ways, half of these with a recording.
 * What the log holds then.
 */
async function fill(dir: string, count: number, dataBytes = 10): Promise<Contents> {
  await using log = await embeddedLog({ dir });
  // Data that cannot be made smaller, so that an archive has many parts.
  const data = (): string => Buffer.from(noise(dataBytes)).toString("base64");
  await log.append(Array.from({ length: count }, () => newEvents(1, { data: data() })[0]!));
  await using consumer = new TestConsumer(log, { name: "f", concurrency: 10_000 });
  const deliveries = await consumer.take(Math.floor(count * 0.3));
  const later = { state: "retry", at: Date.now() + 3_600_000 } as const;
  const nexts = [DONE, DEAD, later];
  await Promise.all(
    deliveries.map((delivery, i) => {
      const settlement = settlementOf(delivery, nexts[i % 3]);
      // One in two has a recording, some of them an empty one.
      const recording = i % 2 === 0 ? noise(i % 100) : undefined;
      return log.settle(
        delivery,
        recording === undefined ? settlement : { ...settlement, recording },
      );
    }),
  );
  for (let i = 0; i < count * 0.4; i += 1) {
    const options = i % 3 === 0 ? { expiresAt: Date.now() + 3_600_000 } : {};
    await log.state.set("fn:f", `k${i}`, noise(dataBytes), options);
  }
  return await contents(log);
}

/** Writes an archive anew as the first version would have written it, which knew no recordings and no state. */
async function makeFormat1(path: string): Promise<void> {
  const parts: Uint8Array[] = [Buffer.from("NEXUS ARCHIVE 1\n")];
  for await (const frame of readFrames(path)) {
    if (frame.kind === "trailer") {
      const { values: _, ...counts } = trailerOf(frame).counts;
      const sha256 = createHash("sha256").update(Buffer.concat(parts)).digest("hex");
      parts.push(encodeFrame("trailer", [encodeEntry({ json: { counts, sha256 } })]));
    } else if (frame.kind === "invocations") {
      const entries = decodeFrame(frame.bytes).map(({ json }) => {
        const { recorded: _, ...fields } = json as Record<string, unknown>;
        return encodeEntry({ json: fields });
      });
      parts.push(encodeFrame("invocations", entries));
    } else if (frame.kind === "state") {
      const entries = decodeFrame(frame.bytes).map(({ json }) => {
        const { revision: _, ...fields } = json as Record<string, unknown>;
        return encodeEntry({ json: fields });
      });
      parts.push(encodeFrame("state", entries));
    } else if (frame.kind !== "values") parts.push(frame.bytes);
  }
  await writeFile(path, Buffer.concat(parts));
}

/** Checks that "f" gets as many deliveries as it had not settled, and no more. */
async function remaining(log: EventLog, count: number): Promise<void> {
  await using consumer = new TestConsumer(log, { name: "f", concurrency: 10_000 });
  await consumer.take(count);
  assert.ok(await consumer.idle(log));
}

async function exported(
  folder: Folder,
  name: string,
  source: LogSource,
  options: Partial<ExportOptions> = {},
): Promise<Exported> {
  await using _ = source;
  return await exportArchive({
    path: folder.at(name),
    source,
    modules: moduleStore(folder.at("no-modules")),
    version: "0.0.0",
    resume: false,
    now: Date.now,
    ...QUIET,
    ...options,
  });
}

async function imported(
  folder: Folder,
  name: string,
  target: LogTarget,
  options: Partial<ImportOptions> = {},
): Promise<string> {
  await using _ = target;
  const archive = await checkArchive(folder.at(name), QUIET);
  const modules = moduleStore(folder.at("new-modules"));
  return await importArchive({ archive, target, modules, ...QUIET, ...options });
}
