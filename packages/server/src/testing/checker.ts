// What a cluster promises, checked on what it acknowledged and what it has on record.
import assert from "node:assert/strict";
import type { Invocation } from "../core/invocation.ts";

export interface Acknowledged {
  readonly id: string;
  /** The client that sent it, one event after the other; also the key of what runs in order. */
  readonly key: string;
  readonly position: number;
}

/** A time in which a node or its way to NATS was broken; milliseconds since the Unix epoch. */
export interface Trouble {
  readonly from: number;
  readonly to: number;
}

export interface Expected {
  /** Every function that the events match. */
  readonly functions: readonly ExpectedFunction[];
  readonly troubles?: readonly Trouble[];
}

export interface ExpectedFunction {
  readonly name: string;
  /** Whether it runs events in order of their key. */
  readonly ordered: boolean;
  /** How long each run takes at least. */
  readonly runMs: number;
}

export interface Checked {
  /** Attempts that are on record twice. */
  readonly again: number;
}

/** A record's start is told to the millisecond. */
const ROUNDING_MS = 1;
/** From the end of a run until its record, its events and its acknowledgement are kept, on a busy machine. */
const SETTLING_MS = 2000;

/**
 * Fails where an acknowledged event was not run to its end by every function, where positions go back or
 * repeat, where a key's order was broken, or where an attempt is on record twice without a trouble that
 * had it out.
 */
export function checkCluster(
  acknowledged: readonly Acknowledged[],
  records: readonly Invocation[],
  { functions, troubles = [] }: Expected,
): Checked {
  checkPositions(acknowledged);
  const byFunction = Map.groupBy(records, (record) => record.function);
  let again = 0;
  for (const { name, ordered, runMs } of functions) {
    const runs = Map.groupBy(byFunction.get(name) ?? [], (record) => record.event_id);
    checkRun(name, acknowledged, runs);
    for (const attempts of runs.values()) again += checkAgain(attempts, troubles);
    if (ordered) checkOrder({ name, runMs }, acknowledged, runs);
  }
  return { again };
}

/** The attempts of one delivery, by event id. */
type Runs = ReadonlyMap<string, readonly Invocation[]>;

export function startOf(record: Invocation): number {
  return Date.parse(record.started_at);
}

export function endOf(record: Invocation): number {
  return startOf(record) + record.duration_ms;
}

/**
 * Most runs at the same moment, each of which takes at least `runMs`. A record's duration begins before its
 * start was noted: where a thread had to wait in between, its end by the record is later than it was.
 */
export function mostAtOnce(records: readonly Invocation[], runMs: number): number {
  const steps = records.flatMap((record) => {
    const start = startOf(record) + ROUNDING_MS;
    const end = startOf(record) + runMs;
    return end <= start
      ? []
      : ([
          [start, 1],
          [end, -1],
        ] as const);
  });
  let now = 0;
  let most = 0;
  for (const [, step] of steps.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    now += step;
    most = Math.max(most, now);
  }
  return most;
}

/** Whether the delivery of this event to this function has ended. */
export function ended(attempts: readonly Invocation[]): boolean {
  return attempts.some(({ delivery }) => delivery === "done" || delivery === "dead");
}

function checkPositions(acknowledged: readonly Acknowledged[]): void {
  const positions = new Set(acknowledged.map(({ position }) => position));
  assert.equal(positions.size, acknowledged.length, "no position twice");
  for (const [key, events] of Map.groupBy(acknowledged, (event) => event.key)) {
    for (const [index, { id, position }] of events.entries()) {
      const before = events[index - 1]?.position ?? 0;
      assert.ok(position > before, `"${key}": position of ${id} went back to ${position}`);
    }
  }
}

function checkRun(name: string, acknowledged: readonly Acknowledged[], runs: Runs): void {
  const missing = acknowledged.filter(({ id }) => !ended(runs.get(id) ?? []));
  assert.deepEqual(missing, [], `acknowledged, and not run to the end by "${name}"`);
  for (const { id, position } of acknowledged) {
    for (const record of runs.get(id)!) assert.equal(record.position, position, id);
  }
}

/** How many attempts of one delivery ran once more than they had to; each needs a trouble. */
function checkAgain(attempts: readonly Invocation[], troubles: readonly Trouble[]): number {
  let again = 0;
  for (const same of Map.groupBy(attempts, ({ attempt }) => attempt).values()) {
    const [first, ...others] = same.toSorted((a, b) => startOf(a) - startOf(b));
    if (others.length === 0) continue;
    again += others.length;
    const excused = troubles.some(
      ({ from, to }) => startOf(first!) <= to && endOf(first!) + SETTLING_MS >= from,
    );
    assert.ok(excused, `ran twice for no reason: ${JSON.stringify(same.map(brief))}`);
  }
  return again;
}

function checkOrder(
  { name, runMs }: { readonly name: string; readonly runMs: number },
  acknowledged: readonly Acknowledged[],
  runs: Runs,
): void {
  for (const [key, events] of Map.groupBy(acknowledged, (event) => event.key)) {
    const sorted = events.toSorted((a, b) => a.position - b.position);
    for (const [index, event] of sorted.entries()) {
      const before = sorted[index - 1];
      if (before === undefined) continue;
      const earlier = runs.get(before.id)!;
      const begun = Math.min(...runs.get(event.id)!.map(startOf));
      const last = Math.min(...earlier.filter((record) => ended([record])).map(startOf));
      const firstTries = earlier.filter((record) => startOf(record) > begun + ROUNDING_MS);
      const pair = JSON.stringify([...earlier, ...runs.get(event.id)!].map(brief));
      assert.ok(
        begun + ROUNDING_MS >= last + runMs,
        `"${name}" ran "${key}" out of order: ${pair}`,
      );
      assert.deepEqual(firstTries.map(brief), [], `"${name}" came back to "${key}": ${pair}`);
    }
  }
}

function brief(record: Invocation): object {
  const { event_id, position, attempt, status, delivery, started_at, duration_ms } = record;
  return { event_id, position, attempt, status, delivery, started_at, duration_ms };
}
