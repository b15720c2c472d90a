import { ReportBuilder } from "@nexus-functions/server/replay/report-builder";
import type { ReplayReport } from "@nexus-functions/server/replay/report";
import type { ReplayedPair, RunFacts } from "@nexus-functions/server/replay/run-facts";
import { effect, run } from "@nexus-functions/server/replay/testing/pairs";
import type { Heading } from "../words.ts";

export const HEADING: Heading = {
  title: "price on ./build/handler.wasm",
  facts: [
    ["Function", "price"],
    ["Candidate", "9f2c61d0a4be (build/handler.wasm)"],
    ["Events", "order.created of the last 24 h"],
    ["Made", "2026-11-25 14:02:11 UTC"],
  ],
};

/**
 * What a day of orders says about a new version that rounds each line before it adds them up, asks for a
 * warehouse that is not always there, mends an old fault, and says a thing more in its log.
 */
export function realisticReport(): ReplayReport {
  const builder = new ReportBuilder();
  for (let position = 1; position <= 1204; position += 1) builder.add(order(position));
  for (const position of [18, 77, 301, 502]) {
    builder.skip({ invocationId: idOf(position), reason: "not_hermetic", because: ["stopped"] });
  }
  builder.skip({ invocationId: idOf(12), reason: "no_recording" });
  return builder.report();
}

function order(position: number): ReplayedPair {
  const random = sequence(position);
  const lines = Array.from({ length: 1 + (position % 4) }, (_, index) => ({
    sku: `SKU-${1000 + ((position * 7 + index) % 90)}`,
    quantity: 1 + ((position + index) % 3),
    net: Math.round(random() * 10_000) / 100,
  }));
  const net = lines.reduce((sum, line) => sum + line.net * line.quantity, 0);
  const total = Math.round(net * 1.19 * 100) / 100;
  const id = 40_000 + position;
  const answer = (sum: number): unknown => ({
    order: `A-${id}`,
    currency: "EUR",
    lines,
    total: sum,
    tax: Math.round(net * 0.19 * 100) / 100,
  });
  const log = { text: `priced order A-${id}: ${lines.length} lines`, level: "info" } as const;
  const priced = (sum: number): Partial<RunFacts> => ({
    effects: [
      effect("kv.set", `order:A-${id}`, { total: sum }),
      effect("emit", "order.priced", { type: "order.priced", data: { id, total: sum } }),
    ],
    logs: [log],
  });
  const took = {
    durationMs: Math.round((0.6 + random() * 2) * 1000) / 1000,
    memoryPeakBytes: (18 + (position % 3)) * 65_536,
  };
  const recorded = run({ output: answer(total), ...priced(total), ...took });
  return {
    invocationId: idOf(position),
    eventId: `evt_${(position * 7919).toString(36).padStart(6, "0")}`,
    eventType: "order.created",
    function: "price",
    position,
    ...outcomes(position, { recorded, answer, priced, total, id }),
  };
}

interface Order {
  readonly recorded: RunFacts;
  readonly answer: (sum: number) => unknown;
  readonly priced: (sum: number) => Partial<RunFacts>;
  readonly total: number;
  readonly id: number;
}

function outcomes(
  position: number,
  { recorded, answer, priced, total, id }: Order,
): Pick<ReplayedPair, "recorded" | "candidate"> {
  const took = { durationMs: recorded.durationMs * 1.1, memoryPeakBytes: recorded.memoryPeakBytes };
  if (position % 29 === 0) {
    const sum = Math.round((total + 0.01) * 100) / 100;
    return { recorded, candidate: run({ output: answer(sum), ...priced(sum), ...took }) };
  }
  if (position % 97 === 0) {
    const logs = [
      ...recorded.logs,
      {
        text: `no warehouse for SKU-${1000 + (position % 90)}`,
        level: "error" as const,
      },
    ];
    return { recorded, candidate: failing("exit code 2", 2, { logs, durationMs: 0.4 }) };
  }
  if (position % 211 === 0) {
    const error = {
      code: "REPLAY_DIVERGED",
      message:
        'Cannot replay function "price": it diverged at host call #3: kv.get("stock"), recorded kv.get("rates")',
    } as const;
    return { recorded, candidate: run({ status: "failed", exitCode: null, error, ...took }) };
  }
  if (position % 401 === 0) {
    const was = failing("exit code 1", 1, {
      logs: [{ text: `division by zero in order A-${id}`, level: "error" }],
    });
    return { recorded: was, candidate: recorded };
  }
  const slow = position % 173 === 0;
  return {
    recorded,
    candidate: {
      ...recorded,
      durationMs: slow ? recorded.durationMs * 14 : took.durationMs,
      memoryPeakBytes: slow ? recorded.memoryPeakBytes * 3 : took.memoryPeakBytes,
    },
  };
}

function failing(how: string, exitCode: number, facts: Partial<RunFacts>): RunFacts {
  const message = `Cannot run function "price": it ended with ${how}`;
  return run({
    ...facts,
    output: undefined,
    status: "failed",
    exitCode,
    error: { code: "FUNCTION_FAILED", message },
  });
}

function idOf(position: number): string {
  const digits = (position * 2_654_435_761).toString(16).padStart(12, "0").slice(0, 12);
  return `019ab4c2-${position.toString(16).padStart(4, "0")}-7a1e-9c3d-${digits}`;
}

// The same numbers on every run (mulberry32).
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
