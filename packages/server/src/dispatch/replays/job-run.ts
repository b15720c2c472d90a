import { NO_REPLAYS, type ReplayCounts, type ReplayJob } from "../../core/replay-job.ts";
import type { EventLog } from "../../log/log.ts";
import type { StateRevision } from "../../log/state.ts";
import { isCurrent, ReportBuilder } from "../../replay/report-builder.ts";
import type { ReplayReport } from "../../replay/report.ts";
import type { Reruns } from "../rerun.ts";
import { chooseRuns, type ChosenRun } from "./choose.ts";
import type { JobStore } from "./job-store.ts";
import type { Lease } from "./lease.ts";
import { liveRun, type RunLive } from "./live-run.ts";
import { Pace } from "./pace.ts";
import { type Replayed, replayRun } from "./replay-run.ts";

export interface JobRunDeps {
  readonly log: EventLog;
  readonly reruns: Reruns;
  readonly runLive: RunLive;
  readonly store: JobStore;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** What was made of runs is kept so often. */
const KEEP_MS = 1_000;
const KEEP_RUNS = 500;

/** One job under way in this process, which holds its lease. */
export class JobRun {
  readonly #deps: JobRunDeps;
  readonly #lease: Lease;
  #report = new ReportBuilder();
  #counts: ReplayCounts = NO_REPLAYS;
  #chosen: readonly ChosenRun[] | undefined;
  #done = 0;
  #kept: StateRevision | "absent" = "absent";
  #keptDone = 0;
  #keptAt = 0;

  constructor(lease: Lease, deps: JobRunDeps) {
    this.#lease = lease;
    this.#deps = deps;
  }

  /** As it is at this moment. */
  get job(): ReplayJob {
    const { job } = this.#lease;
    const chosen = this.#chosen?.length ?? job.chosen;
    return { ...job, chosen, done: this.#done, counts: this.#counts };
  }

  report(): ReplayReport {
    return this.#report.report();
  }

  /** Takes up what was done of it before; how many runs that was. To be called once, before `work`. */
  async resume(): Promise<number> {
    const { store, now } = this.#deps;
    const progress = await store.progress(this.#lease.job.id);
    this.#keptAt = now();
    if (progress === undefined) return 0;
    this.#kept = progress.revision;
    // Another release wrote it: from the first run again.
    if (!isCurrent(progress.report)) return 0;
    this.#report = new ReportBuilder(progress.report);
    this.#counts = progress.counts;
    this.#done = this.#keptDone = progress.done;
    return this.#done;
  }

  /**
   * Makes the runs that are left. Rejects as `signal` aborts, with the error that makes the job fail,
   * and with what the log rejects with; then what was done until then is kept, where that can be.
   */
  async work(signal: AbortSignal): Promise<void> {
    const runs = await this.#choose(signal);
    const { against, concurrency, rate } = this.#lease.job.request;
    const pace = new Pace(rate);
    const underWay: Promise<Replayed>[] = [];
    try {
      for (let next = this.#done; this.#done < runs.length;) {
        signal.throwIfAborted();
        if (next < runs.length && underWay.length < concurrency) {
          await pace.wait(signal);
          const { id } = runs[next]!;
          const run =
            "live" in against
              ? liveRun(id, this.#deps)
              : replayRun(id, { against, signal }, this.#deps.reruns);
          run.catch(heardBelow);
          underWay.push(run);
          next += 1;
        } else {
          // In the order of their events, whichever ends first.
          const replayed = await underWay.shift()!;
          signal.throwIfAborted();
          this.#take(replayed);
          if (this.#isKeepDue()) await this.keep();
        }
      }
    } finally {
      await Promise.allSettled(underWay);
    }
  }

  /** Keeps what was done so far; where somebody else is at it, the lease is lost. */
  async keep(expiresAt?: number): Promise<void> {
    const progress = { done: this.#done, counts: this.#counts, report: this.#report.state() };
    const { store, now } = this.#deps;
    const { id } = this.#lease.job;
    const kept = await store.setProgress(id, progress, { expect: this.#kept, expiresAt });
    if (kept === undefined) this.#lease.lose();
    else this.#kept = kept;
    this.#keptDone = this.#done;
    this.#keptAt = now();
  }

  async #choose(signal: AbortSignal): Promise<readonly ChosenRun[]> {
    const { store, log } = this.#deps;
    const { id, request } = this.#lease.job;
    let runs = await store.runs(id);
    if (runs === undefined) {
      runs = await chooseRuns(request, log, signal);
      await store.setRuns(id, runs);
    }
    this.#chosen = runs;
    return runs;
  }

  #take(replayed: Replayed): void {
    let what: keyof ReplayCounts = "skipped";
    if (replayed.kind === "skipped") this.#report.skip(replayed.run);
    else what = this.#report.add(replayed.pair).verdict;
    this.#counts = { ...this.#counts, [what]: this.#counts[what] + 1 };
    this.#done += 1;
  }

  #isKeepDue(): boolean {
    // What has real effects is not to be done twice.
    if ("live" in this.#lease.job.request.against) return true;
    return this.#done - this.#keptDone >= KEEP_RUNS || this.#deps.now() - this.#keptAt >= KEEP_MS;
  }
}

/** Of a run whose turn has not come: it is awaited then. */
function heardBelow(): void {}
