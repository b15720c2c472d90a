import { randomUUID } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import type { ReplayCounts, ReplayJob } from "../../core/replay-job.ts";
import type { StateRevision, StateStore } from "../../log/state.ts";
import type { ReportState } from "../../replay/report-builder.ts";
import type { ChosenRun } from "./choose.ts";

/** A job as the log's state store has it. */
export interface StoredJob {
  readonly job: ReplayJob;
  /** Whether somebody wants it ended. */
  readonly cancelled: boolean;
  /** Which process is at it, and until when nobody else may be; null: nobody. */
  readonly lease: { readonly owner: string; readonly until: number } | null;
}

export interface Revised {
  readonly revision: StateRevision;
}

export type JobEntry = StoredJob & Revised;

/** How far a job has come: what was made of the first `done` of its runs. */
export interface JobProgress {
  readonly done: number;
  readonly counts: ReplayCounts;
  readonly report: ReportState;
}

export interface Write {
  readonly expect: StateRevision | "absent";
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt?: number | undefined;
}

const NAMESPACE = "replays";
const PAGE = 100;
const CHUNK_BYTES = 256 * 1024;
/** What a process that died has left behind goes after so long. */
const LEFT_BEHIND_MS = 30 * 24 * 3_600_000;
const MOST_READS = 10;
/** An id and a position. */
const RUN_BYTES = 16 + 8;

/**
 * Jobs in the log's state store: `jobs/<id>`, and beside each what it is to run (`runs/<id>`) and how far it
 * has come (`progress/<id>`), in parts that the store takes. Rejects as the store does.
 */
export class JobStore {
  readonly #state: StateStore;
  readonly #now: () => number;

  /** `now`: milliseconds since the Unix epoch. */
  constructor(state: StateStore, now: () => number) {
    this.#state = state;
    this.#now = now;
  }

  async get(id: string): Promise<JobEntry | undefined> {
    const entry = await this.#state.get(NAMESPACE, `jobs/${id}`);
    return entry === undefined
      ? undefined
      : { ...(fromJson(entry.value) as StoredJob), revision: entry.revision };
  }

  /** Oldest first. */
  async list(): Promise<readonly JobEntry[]> {
    const jobs: JobEntry[] = [];
    let after: string | undefined;
    do {
      const { items, more } = await this.#state.list(NAMESPACE, {
        prefix: "jobs/",
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      for (const { value, revision } of items) {
        jobs.push({ ...(fromJson(value) as StoredJob), revision });
      }
      after = more ? items.at(-1)?.key : undefined;
    } while (after !== undefined);
    return jobs;
  }

  /** Undefined: it is no longer as it was at `expect`. */
  set(stored: StoredJob, { expect, expiresAt }: Write): Promise<StateRevision | undefined> {
    const { job, cancelled, lease } = stored;
    return this.#state.set(NAMESPACE, `jobs/${job.id}`, toJson({ job, cancelled, lease }), {
      expect,
      ...(expiresAt === undefined ? {} : { expiresAt }),
    });
  }

  /** Undefined: they were not chosen yet. */
  async runs(id: string): Promise<readonly ChosenRun[] | undefined> {
    const found = await this.#getParts(`runs/${id}`);
    return found === undefined ? undefined : runsIn(found.bytes);
  }

  async setRuns(id: string, runs: readonly ChosenRun[]): Promise<void> {
    const key = `runs/${id}`;
    const head = await this.#head(key);
    await this.#setParts(key, bytesOfRuns(runs), { expect: head?.revision ?? "absent" });
  }

  async deleteRuns(id: string): Promise<void> {
    const head = await this.#head(`runs/${id}`);
    if (head === undefined) return;
    await this.#state.delete(NAMESPACE, `runs/${id}`);
    await this.#deleteParts(head);
  }

  /** Undefined: it has not begun. */
  async progress(id: string): Promise<(JobProgress & Revised) | undefined> {
    const found = await this.#getParts(`progress/${id}`);
    if (found === undefined) return undefined;
    const { bytes, revision } = found;
    return { ...(fromJson(gunzipSync(bytes)) as JobProgress), revision };
  }

  /** Undefined: somebody else has written there since. */
  setProgress(
    id: string,
    progress: JobProgress,
    options: Write,
  ): Promise<StateRevision | undefined> {
    return this.#setParts(`progress/${id}`, gzipSync(toJson(progress)), options);
  }

  // The head, written last, says which parts are one value: a process that dies before leaves the old one.
  async #setParts(
    key: string,
    bytes: Uint8Array,
    { expect, expiresAt = this.#now() + LEFT_BEHIND_MS }: Write,
  ): Promise<StateRevision | undefined> {
    const old = await this.#head(key);
    const head: Head = { name: randomUUID(), count: Math.ceil(bytes.length / CHUNK_BYTES) };
    for (let part = 0; part < head.count; part += 1) {
      const chunk = bytes.subarray(part * CHUNK_BYTES, (part + 1) * CHUNK_BYTES);
      await this.#state.set(NAMESPACE, partKey(head, part), chunk, { expiresAt });
    }
    const options = { expiresAt, expect };
    const revision = await this.#state.set(NAMESPACE, key, toJson(head), options);
    if (revision === undefined) await this.#deleteParts(head);
    else if (old !== undefined) await this.#deleteParts(old);
    return revision;
  }

  async #getParts(key: string): Promise<({ readonly bytes: Uint8Array } & Revised) | undefined> {
    // They may be exchanged between the head and its parts, and then the new ones are there.
    for (let attempt = 0; attempt < MOST_READS; attempt += 1) {
      const head = await this.#head(key);
      if (head === undefined) return undefined;
      const parts: Uint8Array[] = [];
      for (let part = 0; part < head.count; part += 1) {
        const entry = await this.#state.get(NAMESPACE, partKey(head, part));
        if (entry !== undefined) parts.push(entry.value);
      }
      if (parts.length === head.count) {
        return { bytes: Buffer.concat(parts), revision: head.revision };
      }
    }
    return undefined;
  }

  async #deleteParts(head: Head): Promise<void> {
    for (let part = 0; part < head.count; part += 1) {
      await this.#state.delete(NAMESPACE, partKey(head, part));
    }
  }

  async #head(key: string): Promise<(Head & Revised) | undefined> {
    const entry = await this.#state.get(NAMESPACE, key);
    return entry === undefined
      ? undefined
      : { ...(fromJson(entry.value) as Head), revision: entry.revision };
  }
}

interface Head {
  /** Of these parts and no others. */
  readonly name: string;
  readonly count: number;
}

function partKey({ name }: Head, part: number): string {
  return `parts/${name}/${part}`;
}

function bytesOfRuns(runs: readonly ChosenRun[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(runs.length * RUN_BYTES);
  for (const [index, { id, position }] of runs.entries()) {
    const at = index * RUN_BYTES;
    bytes.write(id.replaceAll("-", ""), at, "hex");
    bytes.writeDoubleLE(position, at + 16);
  }
  return bytes;
}

function runsIn(bytes: Uint8Array): readonly ChosenRun[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: buffer.length / RUN_BYTES }, (_, index) => {
    const at = index * RUN_BYTES;
    return { id: uuidAt(buffer, at), position: buffer.readDoubleLE(at + 16) };
  });
}

function uuidAt(bytes: Buffer, at: number): string {
  const hex = bytes.toString("hex", at, at + 16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}

function toJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function fromJson(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
}
