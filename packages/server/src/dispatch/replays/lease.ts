import { setTimeout as delay } from "node:timers/promises";
import { NexusError } from "../../core/errors.ts";
import type { ReplayJob } from "../../core/replay-job.ts";
import type { JobEntry, JobStore, StoredJob } from "./job-store.ts";

export interface LeaseOptions {
  readonly store: JobStore;
  /** This process, and no other. */
  readonly owner: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** A process that does not renew it has lost it after so long. */
const LEASE_MS = 5_000;
const RENEW_MS = 1_000;
/** Jobs that have ended are kept for so long. */
export const ENDED_KEPT_MS = 7 * 24 * 3_600_000;

/** Why a job's work ends before its time. */
export type Interruption = "cancelled" | "lost" | "closing";

/** The right to work at one job, which one process has at a time. */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #interrupted = new AbortController();
  #isLost = false;
  #entry: JobEntry;

  private constructor(entry: JobEntry, options: LeaseOptions) {
    this.#entry = entry;
    this.#options = options;
  }

  /** Undefined: another process has it, or got it first. */
  static async take(entry: JobEntry, options: LeaseOptions): Promise<Lease | undefined> {
    const { now, owner, store } = options;
    if (freeAt(entry, options) > now()) return undefined;
    const stored: StoredJob = {
      job: { ...entry.job, state: "running", started_at: entry.job.started_at ?? iso(now()) },
      cancelled: entry.cancelled,
      lease: { owner, until: now() + LEASE_MS },
    };
    const revision = await store.set(stored, { expect: entry.revision });
    return revision === undefined ? undefined : new Lease({ ...stored, revision }, options);
  }

  get job(): ReplayJob {
    return this.#entry.job;
  }

  /** Aborts with an Interruption as its reason. */
  get signal(): AbortSignal {
    return this.#interrupted.signal;
  }

  interrupt(why: Exclude<Interruption, "lost">): void {
    this.#interrupted.abort(why);
  }

  /** Whether another process may be at the job: then nothing of it is this one's to write. */
  get isLost(): boolean {
    return this.#isLost;
  }

  lose(): void {
    this.#isLost = true;
    this.#interrupted.abort("lost");
  }

  /** Renews it, with the job as it is then, until `signal` aborts or it is lost. */
  async hold(job: () => ReplayJob, signal: AbortSignal): Promise<void> {
    if (this.#entry.cancelled) this.interrupt("cancelled");
    while (!signal.aborted) {
      await delay(RENEW_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted || this.#isLost) return;
      try {
        await this.#renew(job());
      } catch (error) {
        if (!(error instanceof NexusError)) throw error;
        // The store is away: it holds as long as nobody else can think it free.
        if (this.#options.now() > this.#entry.lease!.until) this.lose();
      }
    }
  }

  /** Gives it back, with the job as it is now: ended, or to be gone on with. Does nothing where it is lost. */
  async release(job: ReplayJob): Promise<void> {
    const ended = job.ended_at !== null;
    const expiresAt = ended ? this.#options.now() + ENDED_KEPT_MS : undefined;
    while (!this.#isLost) {
      const { cancelled } = this.#entry;
      const stored = { job, cancelled, lease: null };
      const { store } = this.#options;
      if ((await store.set(stored, { expect: this.#entry.revision, expiresAt })) !== undefined)
        return;
      await this.#readAgain();
    }
  }

  async #renew(job: ReplayJob): Promise<void> {
    const { store, owner, now } = this.#options;
    const { cancelled } = this.#entry;
    const stored = { job, cancelled, lease: { owner, until: now() + LEASE_MS } };
    const revision = await store.set(stored, { expect: this.#entry.revision });
    if (revision === undefined) await this.#readAgain();
    else this.#entry = { ...stored, revision };
  }

  // Somebody wants it ended, or has taken it.
  async #readAgain(): Promise<void> {
    const { store, owner } = this.#options;
    const entry = await store.get(this.#entry.job.id);
    if (entry?.lease?.owner !== owner) return this.lose();
    this.#entry = entry;
    if (entry.cancelled) this.interrupt("cancelled");
  }
}

/** When another process may take it, in milliseconds since the Unix epoch. */
export function freeAt({ lease }: StoredJob, { owner }: Pick<LeaseOptions, "owner">): number {
  return lease === null || lease.owner === owner ? 0 : lease.until;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
