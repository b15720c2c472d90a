import fc from "fast-check";
import type { Effect, ReplayedPair, RunFacts } from "../run-facts.ts";

const encoder = new TextEncoder();

/** A run that went well and did nothing, but for what is said. `output` may be any JSON, or bytes. */
export function run(
  facts: Partial<Omit<RunFacts, "output">> & { output?: unknown } = {},
): RunFacts {
  return {
    status: "succeeded",
    exitCode: 0,
    outputTruncated: false,
    logs: [],
    logsTruncated: false,
    effects: [],
    durationMs: 1,
    memoryPeakBytes: 65_536,
    cold: false,
    ...facts,
    output: bytesOf(facts.output),
  };
}

export function effect(kind: string, summary: string, content?: unknown): Effect {
  return { kind, summary, content: bytesOf(content) };
}

/** JSON of a value; text and bytes as they are. */
export function bytesOf(value: unknown): Uint8Array {
  if (value === undefined) return new Uint8Array();
  if (value instanceof Uint8Array) return value;
  return encoder.encode(typeof value === "string" ? value : JSON.stringify(value));
}

export function pair(position: number, recorded: RunFacts, candidate: RunFacts): ReplayedPair {
  return {
    invocationId: `run-${String(position).padStart(6, "0")}`,
    eventId: `event-${position}`,
    eventType: "order.created",
    function: "price",
    position,
    recorded,
    candidate,
  };
}

/** Runs as a few functions and their next versions might make them: few ways to end, so that groups form. */
export const anyRun: fc.Arbitrary<RunFacts> = fc
  .record({
    ending: fc.constantFrom<Partial<RunFacts>>(
      {},
      {},
      {
        status: "failed",
        exitCode: 1,
        error: { code: "FUNCTION_FAILED", message: 'Cannot run function "price": exit code 1' },
      },
      {
        status: "trapped",
        exitCode: null,
        error: { code: "FUNCTION_TRAPPED", message: 'Cannot run function "price": unreachable' },
      },
      {
        status: "failed",
        exitCode: null,
        error: { code: "REPLAY_DIVERGED", message: "Cannot replay: diverged at host call #3" },
      },
    ),
    output: fc.oneof(
      fc.record({
        id: fc.uuid(),
        total: fc.integer({ min: 0, max: 3 }),
        lines: fc.array(fc.record({ n: fc.integer({ min: 0, max: 2 }) }), { maxLength: 3 }),
      }),
      fc.constantFrom<unknown>(undefined, "plain text\n", new Uint8Array([0xff, 0xfe])),
    ),
    logs: fc.array(
      fc.record({ text: fc.constantFrom("begun", "took 12 ms", "took 15 ms", "done") }),
      { maxLength: 3 },
    ),
    effects: fc.array(
      fc
        .record({ summary: fc.constantFrom("order:1", "order:2"), value: fc.nat({ max: 2 }) })
        .map(({ summary, value }) => effect("kv.set", summary, { value })),
      { maxLength: 2 },
    ),
    durationMs: fc.double({ min: 0, max: 5000, noNaN: true }),
    memoryPages: fc.integer({ min: 1, max: 64 }),
    cold: fc.boolean(),
  })
  .map(({ ending, memoryPages, ...facts }) =>
    run({ ...facts, ...ending, memoryPeakBytes: memoryPages * 65_536 }),
  );

/** Pairs with positions of their own; half of them are twice the same run. */
export const anyPairs: fc.Arbitrary<readonly ReplayedPair[]> = fc
  .array(fc.tuple(anyRun, fc.option(anyRun)), { maxLength: 30 })
  .map((runs) =>
    runs.map(([recorded, candidate], index) => pair(index + 1, recorded, candidate ?? recorded)),
  );
