import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Invocation } from "../../core/invocation.ts";
import { typeMatches } from "../../core/pattern.ts";
import type { ReplayRequest } from "../../core/replay-job.ts";
import type { EventLog } from "../../log/log.ts";

/** A run that a job makes again. */
export interface ChosenRun {
  readonly id: string;
  /** Of its event in the log. */
  readonly position: number;
}

const PAGE = 500;

/**
 * The runs that are asked for, in the order of their events: of each delivery the last attempt, and no
 * replays; of more than the limit the newest. Holds the ids of those, and one page of the log. Rejects with
 * what the log rejects with, and as `signal` aborts.
 */
export async function chooseRuns(
  request: ReplayRequest,
  log: EventLog,
  signal: AbortSignal,
): Promise<readonly ChosenRun[]> {
  const chosen: ChosenRun[] = [];
  for await (const record of candidatesIn(request, log)) {
    signal.throwIfAborted();
    if (!wanted(record, request) || !(await isLast(record, log))) continue;
    chosen.push({ id: record.id, position: record.position });
    if (chosen.length === request.limit) break;
  }
  return chosen.sort((one, other) => one.position - other.position);
}

/** Newest first. */
function candidatesIn(request: ReplayRequest, log: EventLog): AsyncIterable<Invocation> {
  return request.event_ids === null
    ? recordsOf(request, log)
    : recordsOfEvents(request.event_ids, log);
}

async function* recordsOf(
  { function: name, status, since }: ReplayRequest,
  { invocations }: EventLog,
): AsyncIterable<Invocation> {
  const filter = {
    function: name,
    ...(status === null ? {} : { status }),
    ...(since === null ? {} : { since: Date.parse(since) }),
  };
  let cursor: string | undefined;
  do {
    const page = await invocations.list(filter, {
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield* page.items;
    // A long log must not take the server's thread from everybody else.
    await setImmediate();
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

async function* recordsOfEvents(ids: readonly string[], log: EventLog): AsyncIterable<Invocation> {
  const positions = new Set<number>();
  for (const id of ids) {
    const stored = await log.find(id);
    if (stored !== undefined) positions.add(stored.position);
  }
  for (const position of [...positions].sort((one, other) => other - one)) {
    yield* (await log.invocations.ofEvent(position)).toReversed();
  }
}

function wanted(record: Invocation, request: ReplayRequest): boolean {
  const { since, until, type, status, sample } = request;
  const startedAt = Date.parse(record.started_at);
  return (
    record.function === request.function &&
    record.trigger !== "replay" &&
    (record.delivery === "done" || record.delivery === "dead") &&
    startedAt < Date.parse(until) &&
    (since === null || startedAt >= Date.parse(since)) &&
    (status === null || record.status === status) &&
    (type === null || typeMatches(type, record.event_type)) &&
    (sample === 1 || share(record.id) < sample)
  );
}

/** Of a dead letter that was redriven there is a later one. */
async function isLast({ id, ...record }: Invocation, log: EventLog): Promise<boolean> {
  if (record.delivery === "done") return true;
  const all = await log.invocations.ofEvent(record.position);
  const own = all.filter(
    (one) =>
      one.function === record.function && one.trigger !== "replay" && one.delivery !== "retry",
  );
  return own.at(-1)?.id === id;
}

/** The same for the same id, and spread evenly: over 0 up to 1. */
function share(id: string): number {
  return createHash("sha256").update(id).digest().readUInt32LE() / 2 ** 32;
}
