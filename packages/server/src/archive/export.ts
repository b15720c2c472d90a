import { existsSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { uuidv7 } from "../core/ids.ts";
import type { ModuleStore } from "../functions/functions.ts";
import type { LogSource } from "../log/transfer.ts";
import {
  eventEntry,
  eventOf,
  invocationEntry,
  invocationOf,
  moduleEntry,
  moduleOf,
  stateEntries,
  valueEntry,
} from "./entries.ts";
import {
  type ArchiveCounts,
  archiveInvalid,
  decodeFrame,
  type Entry,
  type FrameKind,
} from "./format.ts";
import { type Frame, headerOf, readWholeFrames } from "./reader.ts";
import { ArchiveWriter } from "./writer.ts";

export interface ExportOptions {
  /** Where the archive is to be. Until it is whole, it is at `partOf(path)`. */
  readonly path: string;
  readonly source: LogSource;
  readonly modules: Pick<ModuleStore, "get" | "list">;
  /** Of the program, for the archive's header. */
  readonly version: string;
  /** Go on with one that was cut off, where there is one. */
  readonly resume: boolean;
  readonly now: () => number;
  readonly onProgress: (progress: Progress) => void;
  /** Checked from time to time; rejects with its reason, and what was written can be resumed. */
  readonly signal: AbortSignal;
}

export interface Progress {
  readonly what: "checking" | "events" | "records" | "modules" | "values" | "functions";
  readonly done: number;
  /** About; undefined: not known. */
  readonly of?: number;
}

export interface Exported {
  readonly id: string;
  readonly counts: ArchiveCounts;
  readonly bytes: number;
}

export function partOf(path: string): string {
  return `${path}.part`;
}

/**
 * Writes an archive. What only grows comes first (events, records, modules), so that one that was cut off
 * can go on where it stopped; what changes comes last, as it is when that is written. Rejects as the log
 * does, with ARCHIVE_INVALID where what is to be resumed is of another log, and with what the file
 * system says.
 */
export async function exportArchive(options: ExportOptions): Promise<Exported> {
  const { path, source, modules, onProgress, signal } = options;
  const part = partOf(path);
  const resuming = options.resume && existsSync(part);
  const begun = resuming ? await readBegun(options) : undefined;
  await using writer = resuming
    ? await ArchiveWriter.resume(part, growing(part))
    : await ArchiveWriter.create(part);
  const id = begun?.id ?? uuidv7(options.now());
  if (begun === undefined) await writer.add("header", { json: headerFor(id, options) });
  let { events, invocations } = begun ?? NOTHING;
  const step = (what: Progress["what"], done: number, of: number): void => {
    if (done % STEP === 0) onProgress({ what, done, of });
    signal.throwIfAborted();
  };

  for await (const stored of source.events(begun?.position ?? 0)) {
    await writer.add("events", eventEntry(stored));
    step("events", ++events, source.counts.events);
  }
  for await (const kept of source.invocations(begun?.mark)) {
    await writer.add("invocations", invocationEntry(kept));
    step("records", ++invocations, source.counts.invocations);
  }
  const names = await modules.list();
  const there = begun?.modules ?? new Set<string>();
  for (const name of names) {
    if (there.has(name)) continue;
    const bytes = await modules.get(name);
    if (bytes === undefined) continue; // removed since it was listed
    await writer.add("modules", moduleEntry(name, bytes));
    there.add(name);
    step("modules", there.size, names.length);
  }
  let values = 0;
  for await (const value of source.values()) {
    await writer.add("values", valueEntry(value));
    values += 1;
    if (values % STEP === 0) onProgress({ what: "values", done: values });
    signal.throwIfAborted();
  }
  for (const entry of stateEntries(source.state)) await writer.add("state", entry);
  const { deadLetters, retries, places } = source.state;
  const counts: ArchiveCounts = {
    events,
    invocations,
    dead_letters: deadLetters.length,
    retries: retries.length,
    functions: places.length,
    modules: there.size,
    values,
  };
  await writer.finish(counts);
  await rename(part, path);
  await syncFolder(dirname(path));
  return { id, counts, bytes: writer.bytes };
}

const STEP = 500;
const NOTHING = { events: 0, invocations: 0 };

function headerFor(id: string, { source, version, now }: ExportOptions): Entry["json"] {
  const { driver } = source;
  return { id, driver, created_at: new Date(now()).toISOString(), version };
}

const CHANGING: ReadonlySet<FrameKind> = new Set(["values", "state", "trailer"]);

/** The frames of an export that was cut off which hold for ever. */
async function* growing(part: string): AsyncGenerator<Frame> {
  for await (const frame of readWholeFrames(part)) {
    if (CHANGING.has(frame.kind)) return;
    yield frame;
  }
}

interface Begun {
  readonly id: string;
  readonly events: number;
  readonly invocations: number;
  /** Of the last event. */
  readonly position: number;
  /** Of the last record. */
  readonly mark: string | undefined;
  readonly modules: Set<string>;
}

/** What an export that was cut off has written. Undefined: nothing of use. */
async function readBegun({
  path,
  source,
  onProgress,
  signal,
}: ExportOptions): Promise<Begun | undefined> {
  const part = partOf(path);
  let id = "";
  let [events, invocations, position] = [0, 0, 0];
  let mark: string | undefined;
  let last: Entry | undefined;
  const modules = new Set<string>();
  for await (const frame of growing(part)) {
    signal.throwIfAborted();
    if (frame.kind === "header") {
      ({ id } = headerOf(frame));
      if (headerOf(frame).driver !== source.driver) throw ofAnother(part);
      continue;
    }
    const entries = decodeFrame(frame.bytes);
    if (frame.kind === "events") {
      events += entries.length;
      last = entries.at(-1)!;
    } else if (frame.kind === "invocations") {
      invocations += entries.length;
      ({ mark } = invocationOf(entries.at(-1)!));
    } else {
      for (const entry of entries) modules.add(moduleOf(entry).sha256);
    }
    onProgress({ what: "checking", done: events + invocations });
  }
  if (last !== undefined) {
    const stored = eventOf(last);
    ({ position } = stored);
    if (!(await holds(source, stored))) throw ofAnother(part);
  }
  return id === "" ? undefined : { id, events, invocations, position, mark, modules };
}

/** Whether the log has the event at its position, as far as retention lets it tell. */
async function holds(
  source: LogSource,
  { position, event }: ReturnType<typeof eventOf>,
): Promise<boolean> {
  for await (const found of source.events(position - 1)) {
    if (found.position > position) return true;
    return found.event.id === event.id && found.event.source === event.source;
  }
  return source.state.tail >= position;
}

function ofAnother(part: string): Error {
  return archiveInvalid(
    part,
    "it was begun from another log (remove it, or export without --resume)",
  );
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}
