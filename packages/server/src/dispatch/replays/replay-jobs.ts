import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { NexusError } from "../../core/errors.ts";
import { uuidv7 } from "../../core/ids.ts";
import {
  NO_REPLAYS,
  type ReplayJob,
  type ReplayPreview,
  type ReplayRequest,
} from "../../core/replay-job.ts";
import type { Functions, KeptVersion, VersionArchive } from "../../functions/functions.ts";
import type { EventLog } from "../../log/log.ts";
import { isCurrent, ReportBuilder } from "../../replay/report-builder.ts";
import type { ReplayReport } from "../../replay/report.ts";
import type { Telemetry } from "../../telemetry/telemetry.ts";
import type { Reruns } from "../rerun.ts";
import { checkedAgainst } from "./check.ts";
import { type JobEntry, JobStore } from "./job-store.ts";
import { JobRun } from "./job-run.ts";
import type { RunLive } from "./live-run.ts";
import { previewOf } from "./preview.ts";
import { ENDED_KEPT_MS, freeAt, type Interruption, Lease, type LeaseOptions } from "./lease.ts";
import type { Replays } from "./replays.ts";

export interface ReplayJobsDeps {
  readonly log: EventLog;
  readonly functions: Functions;
  readonly versions: VersionArchive;
  readonly reruns: Reruns;
  /** Runs an event again, live, on the function in service, and resolves with the record. */
  readonly runLive: RunLive;
  readonly telemetry: Telemetry;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** Jobs that wait or run; more are refused. */
const MOST_ACTIVE = 100;
/** An idle process looks so often for jobs that others have left, and after trouble with the store. */
const LOOK_MS = 5_000;
const FOLLOW_MS = 250;

/** Works at the jobs in the log's state, one at a time, until it is stopped. */
export class ReplayJobs implements Replays {
  readonly #deps: ReplayJobsDeps;
  readonly #store: JobStore;
  readonly #lease: LeaseOptions;
  readonly #stopping = new AbortController();
  readonly #working: Promise<void>;
  #current: { readonly run: JobRun; readonly lease: Lease } | undefined;
  #wake = new AbortController();

  constructor(deps: ReplayJobsDeps) {
    this.#deps = deps;
    this.#store = new JobStore(deps.log.state, deps.now);
    this.#lease = { store: this.#store, owner: randomUUID(), now: deps.now };
    this.#working = this.#serve();
  }

  async create(request: ReplayRequest): Promise<ReplayJob> {
    if (this.#stopping.signal.aborted) {
      throw new NexusError("SHUTTING_DOWN", "Cannot create replay: the server is stopping");
    }
    const against = await checkedAgainst(request, this.#deps);
    const active = (await this.#store.list()).filter(({ job }) => job.ended_at === null);
    if (active.length >= MOST_ACTIVE) {
      throw new NexusError(
        "OVERLOADED",
        `Cannot create replay: ${active.length} wait or run already`,
      );
    }
    const now = this.#deps.now();
    const job: ReplayJob = {
      id: uuidv7(now),
      state: "queued",
      request: { ...request, against },
      created_at: new Date(now).toISOString(),
      started_at: null,
      ended_at: null,
      error: null,
      chosen: null,
      done: 0,
      counts: NO_REPLAYS,
    };
    await this.#store.set({ job, cancelled: false, lease: null }, { expect: "absent" });
    this.#wake.abort();
    return job;
  }

  async preview(request: ReplayRequest): Promise<ReplayPreview> {
    const against = await checkedAgainst(request, this.#deps);
    return previewOf({ ...request, against }, this.#deps.log, this.#stopping.signal);
  }

  async list(): Promise<readonly ReplayJob[]> {
    const entries = await this.#store.list();
    return entries.map(({ job }) => this.#live(job)).toReversed();
  }

  async get(id: string): Promise<ReplayJob> {
    return this.#live((await this.#find(id)).job);
  }

  async report(id: string): Promise<ReplayReport> {
    await this.#find(id);
    const current = this.#running(id);
    if (current !== undefined) return current.run.report();
    const state = (await this.#store.progress(id))?.report;
    if (state === undefined || isCurrent(state)) {
      return new ReportBuilder(state).report();
    }
    throw new NexusError(
      "UNSUPPORTED",
      `Cannot read the report of replay "${id}": another release of the server wrote it`,
    );
  }

  async *follow(id: string, signal: AbortSignal): AsyncIterable<ReplayJob> {
    let told: string | undefined;
    while (!signal.aborted) {
      const job = await this.get(id);
      const text = JSON.stringify(job);
      if (text !== told) yield job;
      told = text;
      if (job.ended_at !== null) return;
      await delay(FOLLOW_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async cancel(id: string): Promise<ReplayJob> {
    for (;;) {
      const entry = await this.#find(id);
      if (entry.job.ended_at !== null) return entry.job;
      const ended = await this.#tryCancel(entry);
      if (ended !== undefined) return ended;
    }
  }

  versions(name: string): Promise<readonly KeptVersion[]> {
    return this.#deps.versions.of(name);
  }

  keepModule(bytes: Uint8Array): Promise<string> {
    return this.#deps.versions.keepModule(bytes);
  }

  /** Leaves the job under way to be gone on with. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#current?.lease.interrupt("closing");
    await this.#working;
  }

  /** Undefined: it has changed meanwhile. */
  async #tryCancel(entry: JobEntry): Promise<ReplayJob | undefined> {
    const { job, lease, revision } = entry;
    const current = this.#running(job.id);
    if (freeAt(entry, this.#lease) <= this.#deps.now() && current === undefined) {
      const ended = this.#ended(job, { state: "cancelled" });
      const stored = { job: ended, cancelled: true, lease: null };
      const set = await this.#store.set(stored, { expect: revision });
      return set === undefined ? undefined : ended;
    }
    const set = await this.#store.set({ job, cancelled: true, lease }, { expect: revision });
    if (set === undefined) return undefined;
    current?.lease.interrupt("cancelled");
    return this.#live(job);
  }

  async #find(id: string): Promise<JobEntry> {
    const entry = await this.#store.get(id);
    if (entry !== undefined) return entry;
    throw new NexusError(
      "REPLAY_NOT_FOUND",
      `Cannot find replay ${JSON.stringify(id.slice(0, 200))}: there is none`,
    );
  }

  #running(id: string) {
    return this.#current?.lease.job.id === id ? this.#current : undefined;
  }

  #live(job: ReplayJob): ReplayJob {
    return (job.ended_at === null ? this.#running(job.id)?.run.job : undefined) ?? job;
  }

  async #serve(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      let waitMs = LOOK_MS;
      try {
        const next = await this.#next();
        if (next instanceof Lease) {
          await this.#work(next);
          continue;
        }
        waitMs = Math.min(next, LOOK_MS);
      } catch (error) {
        if (!(error instanceof NexusError)) throw error;
        const { code, message } = error;
        this.#deps.telemetry.logger.warn("Cannot work at replays", { code, error: message });
      }
      const woken = AbortSignal.any([signal, this.#wake.signal]);
      await delay(waitMs, undefined, { signal: woken }).catch(() => undefined);
    }
  }

  /** The oldest job that this process can work at, or in how many milliseconds one may be free. */
  async #next(): Promise<Lease | number> {
    let freeInMs = Infinity;
    for (const entry of await this.#store.list()) {
      if (entry.job.ended_at !== null || !(await this.#canRun(entry.job))) continue;
      const lease = await Lease.take(entry, this.#lease);
      if (lease !== undefined) return lease;
      freeInMs = Math.min(freeInMs, freeAt(entry, this.#lease) - this.#deps.now());
    }
    return Math.max(0, freeInMs);
  }

  /** Whether what it runs on is here: on a cluster it may be another node's. */
  #canRun({ request: { against } }: ReplayJob): Promise<boolean> {
    const { versions } = this.#deps;
    if ("live" in against) return Promise.resolve(true);
    return "version" in against
      ? versions.has(against.version)
      : versions.hasModule(against.module_sha256);
  }

  async #work(lease: Lease): Promise<void> {
    const { log, reruns, runLive, now } = this.#deps;
    const run = new JobRun(lease, { log, reruns, runLive, store: this.#store, now });
    this.#current = { run, lease };
    if (this.#stopping.signal.aborted) lease.interrupt("closing");
    const finished = new AbortController();
    const holding = lease.hold(() => run.job, finished.signal);
    try {
      const job = await this.#outcome(run, lease);
      finished.abort();
      await holding;
      if (job !== undefined && !lease.isLost) await this.#leave(job, run, lease);
    } finally {
      finished.abort();
      this.#current = undefined;
    }
  }

  /** The job as it is to be left; undefined: it is somebody else's now. */
  async #outcome(run: JobRun, lease: Lease): Promise<ReplayJob | undefined> {
    const { signal } = lease;
    try {
      const done = await run.resume();
      const { id, request } = run.job;
      this.#deps.telemetry.logger.info(done === 0 ? "Replay begins" : "Replay goes on", {
        replay_id: id,
        function: request.function,
        done,
      });
      await run.work(signal);
      return this.#ended(run.job, { state: "done" });
    } catch (error) {
      if (signal.aborted) return this.#interrupted(run.job, signal.reason as Interruption);
      if (!(error instanceof NexusError) || error.facts.retry) throw error;
      const { code, message } = error;
      return this.#ended(run.job, { state: "failed", error: { code, message } });
    }
  }

  #interrupted(job: ReplayJob, why: Interruption): ReplayJob | undefined {
    switch (why) {
      case "lost":
        return undefined;
      case "closing":
        return job;
      case "cancelled":
        return this.#ended(job, { state: "cancelled" });
    }
  }

  async #leave(job: ReplayJob, run: JobRun, lease: Lease): Promise<void> {
    if (job.ended_at === null) {
      await run.keep();
      return lease.release(job);
    }
    await run.keep(this.#deps.now() + ENDED_KEPT_MS);
    await lease.release(job);
    if (lease.isLost) return;
    await this.#store.deleteRuns(job.id);
    const { id, state, counts, error } = job;
    const fields = { replay_id: id, function: job.request.function, state, ...counts };
    const { logger } = this.#deps.telemetry;
    if (error === null) logger.info("Replay has ended", fields);
    else logger.warn("Replay has failed", { ...fields, code: error.code, error: error.message });
  }

  #ended(job: ReplayJob, how: Pick<ReplayJob, "state"> & Partial<ReplayJob>): ReplayJob {
    return { ...job, ...how, ended_at: new Date(this.#deps.now()).toISOString() };
  }
}
