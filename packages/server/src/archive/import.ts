import type { ModuleStore } from "../functions/functions.ts";
import type { LogState, LogTarget } from "../log/transfer.ts";
import { eventOf, invocationOf, moduleOf, stateOf, valueOf } from "./entries.ts";
import type { Progress } from "./export.ts";
import {
  type ArchiveCounts,
  type ArchiveHeader,
  archiveInvalid,
  decodeFrame,
  type Entry,
} from "./format.ts";
import { headerOf, readFrames, trailerOf } from "./reader.ts";

/** An archive that was read to its end, and found as it was written. */
export interface CheckedArchive {
  readonly path: string;
  readonly header: ArchiveHeader;
  readonly counts: ArchiveCounts;
  readonly state: LogState;
}

export interface ImportOptions {
  readonly archive: CheckedArchive;
  readonly target: LogTarget;
  readonly modules: ModuleStore;
  readonly onProgress: (progress: Progress) => void;
  /** Checked from time to time; rejects with its reason, and the import can be made again. */
  readonly signal: AbortSignal;
}

const NO_VALUES = { values: 0 };

/** ARCHIVE_INVALID where any part of it is not as it was written. */
export async function checkArchive(
  path: string,
  { onProgress, signal }: Pick<ImportOptions, "onProgress" | "signal">,
): Promise<CheckedArchive> {
  let header: ArchiveHeader | undefined;
  let counts: ArchiveCounts | undefined;
  const state: Entry[] = [];
  let frames = 0;
  for await (const frame of readFrames(path)) {
    signal.throwIfAborted();
    frames += 1;
    if (frame.kind === "header") header = headerOf(frame);
    else if (frame.kind === "state") state.push(...decodeFrame(frame.bytes));
    else if (frame.kind === "trailer") ({ counts } = trailerOf(frame));
    onProgress({ what: "checking", done: frames });
  }
  if (header === undefined || counts === undefined) {
    throw archiveInvalid(path, "its beginning is missing");
  }
  // Before there was state, no archive counted it.
  return { path, header, counts: { ...NO_VALUES, ...counts }, state: stateOf(state) };
}

/**
 * Brings an archive into a log. `done`: it had been brought there before, and nothing was changed.
 * LOG_NOT_EMPTY where the log holds anything else, and as the log and the module store reject.
 */
export async function importArchive(
  options: ImportOptions,
): Promise<"begun" | "continued" | "done"> {
  const { archive, target, modules, onProgress, signal } = options;
  const { counts, header, state } = archive;
  const begun = await target.begin(header.id, state);
  if (begun === "done") return begun;
  const done = { events: 0, invocations: 0, modules: 0, values: 0 };
  for await (const frame of readFrames(archive.path)) {
    signal.throwIfAborted();
    if (frame.kind === "events") {
      const entries = decodeFrame(frame.bytes);
      await target.events(entries.map(eventOf));
      done.events += entries.length;
      onProgress({ what: "events", done: done.events, of: counts.events });
    } else if (frame.kind === "invocations") {
      const entries = decodeFrame(frame.bytes);
      await target.invocations(entries.map(invocationOf));
      done.invocations += entries.length;
      onProgress({ what: "records", done: done.invocations, of: counts.invocations });
    } else if (frame.kind === "modules") {
      for (const { bytes } of decodeFrame(frame.bytes).map(moduleOf)) {
        await modules.put(bytes);
        done.modules += 1;
      }
      onProgress({ what: "modules", done: done.modules, of: counts.modules });
    } else if (frame.kind === "values") {
      const entries = decodeFrame(frame.bytes);
      await target.values(entries.map(valueOf));
      done.values += entries.length;
      onProgress({ what: "values", done: done.values, of: counts.values });
    }
  }
  onProgress({ what: "functions", done: 0, of: counts.functions });
  await target.finish();
  return begun;
}
