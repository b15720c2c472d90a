import type { ReplayPreview, ReplayRequest } from "../../core/replay-job.ts";
import type { EventLog } from "../../log/log.ts";
import { chooseRuns } from "./choose.ts";
import { effectsOf } from "./live-run.ts";

/** Rejects with what the log rejects with, and as `signal` aborts. */
export async function previewOf(
  request: ReplayRequest,
  log: EventLog,
  signal: AbortSignal,
): Promise<ReplayPreview> {
  const runs = await chooseRuns(request, log, signal);
  const counts = new Map<string, number>();
  for (const { id } of runs) {
    signal.throwIfAborted();
    const record = await log.invocations.get(id);
    const effects = record === undefined ? [] : await effectsOf(record, log);
    for (const { kind } of effects) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const effects = [...counts].map(([kind, count]) => ({ kind, count }));
  return { chosen: runs.length, effects: effects.sort((one, other) => other.count - one.count) };
}
