// What a recording beside a record costs: the same deliveries of one log settled with and without one, in turns.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embeddedLog } from "@nexus-functions/server/log/drivers/embedded";
import type { Delivery, EventLog } from "@nexus-functions/server/log/log";
import { settlementOf } from "@nexus-functions/server/log/testing/fixtures";
import { benchEvent, rate } from "./events.ts";
import { median, type Figure } from "./figures.ts";

export interface RecordingOptions {
  readonly rounds: number;
  /** Deliveries settled in a round, of each kind. */
  readonly count: number;
}

/** What ten host calls and their answers take, and a function that was given more. */
const SIZES = [200, 2_000];
const WRITERS = 64;

export async function recordings(options: RecordingOptions): Promise<readonly Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), "nexus-bench-"));
  try {
    await using log = await embeddedLog({ dir });
    return await recordingsOn(log, "settle", options);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export async function recordingsOn(
  log: EventLog,
  name: string,
  { rounds, count }: RecordingOptions,
): Promise<readonly Figure[]> {
  const kinds = [0, ...SIZES].map((bytes) => ({
    recording: bytes === 0 ? undefined : randomBytes(bytes),
    rates: [] as number[],
    cpuUs: [] as number[],
  }));
  const stop = new AbortController();
  const subscription = {
    name: "fn",
    patterns: ["*"],
    concurrency: count,
    start: "latest",
  } as const;
  const deliveries = log.consume(subscription, stop.signal)[Symbol.asyncIterator]();
  // One round more, of which nothing is kept: the first is slower.
  for (let round = 0; round <= rounds; round += 1) {
    // Whoever comes first in a round finds another log than whoever comes last.
    const order = round % 2 === 0 ? kinds : kinds.toReversed();
    for (const { recording, rates, cpuUs } of order) {
      await log.append(Array.from({ length: count }, benchEvent));
      const taken: Delivery[] = [];
      while (taken.length < count) taken.push((await deliveries.next()).value as Delivery);
      const before = process.cpuUsage();
      const perSecond = await rate(WRITERS, count, () => {
        const delivery = taken.pop()!;
        const settlement = settlementOf(delivery);
        return log.settle(
          delivery,
          recording === undefined ? settlement : { ...settlement, recording },
        );
      });
      if (round === 0) continue;
      const { user, system } = process.cpuUsage(before);
      rates.push(perSecond);
      cpuUs.push((user + system) / count);
    }
  }
  stop.abort();
  const [none, ...some] = kinds;
  return some.flatMap(({ recording, rates, cpuUs }) => [
    {
      name: `${name}, recording of ${recording!.length.toLocaleString("en")} bytes`,
      value: median(rates),
      unit: "settled/s",
      limit: median(none!.rates),
      limitName: "without",
    },
    {
      name: "… this process's processor time",
      value: median(cpuUs),
      unit: "µs each",
      limit: median(none!.cpuUs),
      limitName: "without",
    },
  ]);
}
