// Small values by key, beside appends to the same log in the same run, in turns.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embeddedLog } from "@nexus-functions/server/log/drivers/embedded";
import type { EventLog } from "@nexus-functions/server/log/log";
import { benchEvent, rate } from "./events.ts";
import { median, type Figure } from "./figures.ts";

export interface StateOptions {
  readonly rounds: number;
  /** Calls in a round, of each kind. */
  readonly count: number;
}

const NAMESPACE = "bench";
const KEYS = 1_000;
const BYTES = 200;

export async function state(options: StateOptions): Promise<readonly Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), "nexus-bench-"));
  try {
    await using log = await embeddedLog({ dir });
    return await stateOn(log, "state", options);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export async function stateOn(
  log: EventLog,
  name: string,
  { rounds, count }: StateOptions,
): Promise<readonly Figure[]> {
  const value = randomBytes(BYTES);
  let calls = 0;
  const nextKey = (): string => `k${(calls += 1) % KEYS}`;
  const set = (): Promise<unknown> => log.state.set(NAMESPACE, nextKey(), value);
  await rate(64, KEYS, set);
  const works: Readonly<Record<string, () => Promise<unknown>>> = {
    append: () => log.append([benchEvent()]),
    set,
    get: () => log.state.get(NAMESPACE, nextKey()),
    "get, then set what was expected": async () => {
      const key = nextKey();
      const entry = await log.state.get(NAMESPACE, key);
      return log.state.set(NAMESPACE, key, value, { expect: entry!.revision });
    },
  };
  const figures: Figure[] = [];
  for (const writers of [1, 64]) {
    const rates = new Map<string, number[]>(Object.keys(works).map((work) => [work, []]));
    for (let round = 0; round <= rounds; round += 1) {
      for (const [work, call] of Object.entries(works)) {
        const perSecond = await rate(writers, writers === 1 ? count / 10 : count, call);
        // One round more, of which nothing is kept: the first is slower.
        if (round > 0) rates.get(work)!.push(perSecond);
      }
    }
    const appends = median(rates.get("append")!);
    for (const work of Object.keys(works).slice(1)) {
      figures.push({
        name: `${name}: ${work}, ${writers} at a time`,
        value: median(rates.get(work)!),
        unit: "/s",
        limit: appends,
        limitName: "appends/s",
      });
    }
  }
  return figures;
}
