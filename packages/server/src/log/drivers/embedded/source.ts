import type { StoredEvent } from "../../../core/event.ts";
import type { DeadLetter } from "../../../core/invocation.ts";
import type {
  FunctionPlace,
  KeptInvocation,
  KeptValue,
  LogSource,
  LogState,
  WaitingRetry,
} from "../../transfer.ts";
import { FUNCTION } from "./catalogue.ts";
import { decodeEvent } from "./codec.ts";
import { decodeCursorRow } from "./cursors.ts";
import { IMPORT_KEY, refuseUnfinished } from "./importing.ts";
import { decodeRecord, isRecorded, startedAtOf } from "./invocations.ts";
import { namedPositionKey, positionKey, positionOf } from "./keys.ts";
import { decodeRow } from "./pending.ts";
import { openSnapshot, type Snapshot } from "./snapshot.ts";
import { keptState, STATE_KEY } from "./state.ts";
import { decodeValue, keyOfValue } from "./value-rows.ts";
import { REVISION_KEY, revisionIn } from "./values.ts";

/** Entries read in one turn of the event loop. */
const STEP = 500;
// Records lie in order of when their runs began, and come when these end: one that an earlier source had
// already gone past may have come since.
const LONGEST_RUN_MS = 24 * 3_600_000;

/**
 * The log in a data directory as it is at this moment, whether a server has it open or not.
 * DATA_DIR_UNUSABLE, IMPORT_UNFINISHED.
 */
export async function embeddedSource(dir: string): Promise<LogSource> {
  const snapshot = openSnapshot(dir);
  try {
    refuseUnfinished(snapshot.get("meta", IMPORT_KEY), dir);
    const { tail, counters } = keptState(snapshot.get("meta", STATE_KEY));
    const { events, invocations } = counters;
    return {
      driver: "embedded",
      counts: { events, invocations },
      state: { tail, ...readState(snapshot) },
      values: () => valuesOf(snapshot, Date.now()),
      events: (after) => eventsAfter(snapshot, after),
      invocations: (after) => invocationsAfter(snapshot, after),
      [Symbol.asyncDispose]: () => snapshot.close(),
    };
  } catch (error) {
    await snapshot.close();
    throw error;
  }
}

async function* eventsAfter(snapshot: Snapshot, after: number): AsyncGenerator<StoredEvent> {
  let count = 0;
  for (const { key, value } of snapshot.range("events", positionKey(after + 1))) {
    yield decodeEvent(positionOf(key), value);
    count += 1;
    if (count % STEP === 0) await new Promise(setImmediate);
  }
}

async function* invocationsAfter(
  snapshot: Snapshot,
  after: string | undefined,
): AsyncGenerator<KeptInvocation> {
  const start = after === undefined ? undefined : Buffer.from(idAt(startedAtOf(after)));
  let count = 0;
  let keptAt = 0;
  for (const { key, value } of snapshot.range("invocations", start)) {
    const mark = key.toString("utf8");
    keptAt = Math.max(keptAt, startedAtOf(mark));
    const recording = isRecorded(value) ? snapshot.get("recordings", key) : undefined;
    const invocation = decodeRecord(value);
    yield { mark, invocation, keptAt, ...(recording === undefined ? {} : { recording }) };
    count += 1;
    if (count % STEP === 0) await new Promise(setImmediate);
  }
}

async function* valuesOf(snapshot: Snapshot, now: number): AsyncGenerator<KeptValue> {
  let count = 0;
  for (const { key, value: row } of snapshot.range("values")) {
    const { value, expiresAt } = decodeValue(row);
    if (expiresAt !== undefined && expiresAt <= now) continue;
    yield { ...keyOfValue(key), value, ...(expiresAt === undefined ? {} : { expiresAt }) };
    count += 1;
    if (count % STEP === 0) await new Promise(setImmediate);
  }
}

/** What ids of runs begin with that began so early that they are over. */
function idAt(startedAt: number): string {
  const time = Math.max(0, startedAt - LONGEST_RUN_MS);
  const hex = time.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

function readState(snapshot: Snapshot): Omit<LogState, "tail"> {
  const functions = new Map<number, string>();
  for (const { key, value } of snapshot.range("names", Buffer.from([FUNCTION]))) {
    if (key[0] !== FUNCTION) break;
    functions.set(value.readUInt32BE(0), value.toString("utf8", 4));
  }
  const nameOf = (key: Buffer): string => functions.get(key.readUInt32BE(0))!;
  const deadLetters: DeadLetter[] = [];
  for (const { value } of snapshot.range("deadLetters")) {
    deadLetters.push(JSON.parse(value.toString("utf8")) as DeadLetter);
  }
  const retries: WaitingRetry[] = [];
  for (const { key, value } of snapshot.range("pending")) {
    const { position, attempt, dueAt, holdsKey = false } = decodeRow(positionOf(key, 4), value);
    retries.push({ function: nameOf(key), position, attempt, dueAt, holdsKey });
  }
  const places: FunctionPlace[] = [];
  for (const { key, value } of snapshot.range("cursors")) {
    const { high, holes } = decodeCursorRow(value);
    const done = aheadOf(snapshot, key.readUInt32BE(0)).filter((position) => position > high);
    places.push({ function: nameOf(key), high, open: holes, done });
  }
  const revision = revisionIn(snapshot.get("meta", REVISION_KEY));
  return { revision, deadLetters, retries, places };
}

function aheadOf(snapshot: Snapshot, name: number): number[] {
  const positions: number[] = [];
  for (const { key } of snapshot.range("ahead", namedPositionKey(name, 0))) {
    if (key.readUInt32BE(0) !== name) break;
    positions.push(positionOf(key, 4));
  }
  return positions;
}
