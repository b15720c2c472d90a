// The event log through its port, against raw LMDB puts with fsync in the same process.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embeddedLog } from "@nexus-functions/server/log/drivers/embedded";
import type { EventLog } from "@nexus-functions/server/log/log";
import { open } from "lmdb";
import { benchEvent, rate } from "./events.ts";
import { median, type Figure } from "./figures.ts";

export interface LogOptions {
  readonly rounds: number;
  /** Events in the large log. */
  readonly large: number;
}

export async function log({ rounds, large }: LogOptions): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const [writers, count] of [
    [1, 500],
    [64, 20_000],
    [1024, 40_000],
  ] as const) {
    const ours: number[] = [];
    const raw: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      raw.push(await withFolder((dir) => rawPuts(dir, writers, count)));
      ours.push(await withFolder((dir) => appends(dir, writers, count)));
    }
    figures.push({
      name: `log, ${writers} writer${writers === 1 ? "" : "s"}`,
      value: median(ours),
      unit: "appends/s",
      limit: median(raw),
      limitName: "raw LMDB puts/s",
    });
  }
  return [...figures, ...(await reads(rounds, large))];
}

async function appends(dir: string, writers: number, count: number): Promise<number> {
  await using events = await embeddedLog({ dir });
  return await rate(writers, count, () => events.append([benchEvent()]));
}

async function rawPuts(dir: string, writers: number, count: number): Promise<number> {
  const db = open<Buffer, number>({ path: dir, encoding: "binary", overlappingSync: false });
  const value = randomBytes(1100);
  let key = 0;
  try {
    return await rate(writers, count, () => db.put((key += 1), value));
  } finally {
    await db.close();
  }
}

async function reads(rounds: number, large: number): Promise<readonly Figure[]> {
  return withFolder(async (dir) => {
    await using events = await embeddedLog({ dir });
    const ids: string[] = [];
    await fill(events, 10_000, ids);
    const byId = await perSecond(rounds, 5000, () => events.find(pick(ids)));
    const small = await perSecond(rounds, 300, () => events.list({}, { limit: 50 }));
    const smallTyped = await perSecond(rounds, 300, () =>
      events.list({ type: "bench.*" }, { limit: 50 }),
    );
    await fill(events, large - 10_000, ids);
    const byIdLarge = await perSecond(rounds, 5000, () => events.find(pick(ids)));
    const big = await perSecond(rounds, 300, () => events.list({}, { limit: 50 }));
    const bigTyped = await perSecond(rounds, 300, () =>
      events.list({ type: "bench.*" }, { limit: 50 }),
    );
    const of = `${large.toLocaleString("en")} events`;
    return [
      {
        name: `read by id, ${of}`,
        value: byIdLarge,
        unit: "reads/s",
        limit: byId,
        limitName: "at 10,000",
      },
      {
        name: `first page of 50, ${of}`,
        value: big,
        unit: "pages/s",
        limit: small,
        limitName: "at 10,000",
        aim: { atLeast: 0.7 },
      },
      {
        name: `first page by type pattern, ${of}`,
        value: bigTyped,
        unit: "pages/s",
        limit: smallTyped,
        limitName: "at 10,000",
        aim: { atLeast: 0.7 },
      },
    ];
  });
}

async function fill(events: EventLog, count: number, ids: string[]): Promise<void> {
  const step = 2000;
  for (let done = 0; done < count; done += step) {
    const batch = Array.from({ length: Math.min(step, count - done) }, benchEvent);
    await events.append(batch);
    ids.push(batch[0]!.event.id);
  }
}

async function perSecond(rounds: number, count: number, work: () => Promise<unknown>) {
  const rates: number[] = [];
  for (let round = 0; round < rounds; round += 1) rates.push(await rate(1, count, work));
  return median(rates);
}

function pick(ids: readonly string[]): string {
  return ids[Math.floor(Math.random() * ids.length)]!;
}

async function withFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "nexus-bench-"));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
