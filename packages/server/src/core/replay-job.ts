import type { ErrorCode } from "./errors.ts";
import type { InvocationStatus } from "./invocation.ts";

/** The life of a job. `queued` and `running` go on after a restart; the others are its end. */
export const REPLAY_STATES = ["queued", "running", "done", "cancelled", "failed"] as const;

export type ReplayState = (typeof REPLAY_STATES)[number];

/** What recorded runs are to be run on instead of their own version. */
export type Against =
  /** The name of a version that was served here, or its beginning. */
  | { readonly version: string }
  /** A module that was kept here: with the settings and files of the version that each run was recorded on. */
  | { readonly module_sha256: string };

/** In place of a candidate: on the version in service, with real effects. */
export interface Live {
  readonly live: true;
}

/** Which runs of the past, and on what. The names are those of the HTTP API. */
export interface ReplayRequest {
  readonly function: string;
  /** Started at or after, RFC 3339; null: whenever. */
  readonly since: string | null;
  /** Started before, RFC 3339. */
  readonly until: string;
  /** A pattern (core/pattern.ts); null: of any type. */
  readonly type: string | null;
  /** Of the recorded run; null: any. */
  readonly status: InvocationStatus | null;
  /** Of these events only; null: of any. */
  readonly event_ids: readonly string[] | null;
  /** The share of those that is taken, over 0 up to 1: the same runs each time. */
  readonly sample: number;
  /** So many at most, the newest. */
  readonly limit: number;
  readonly against: Against | Live;
  /** Runs at the same time. */
  readonly concurrency: number;
  /** Runs a second at most; null: as fast as it goes. */
  readonly rate: number | null;
}

/** Runs of the past made again on a candidate, as one piece of work. The names are those of the HTTP API. */
export interface ReplayJob {
  readonly id: string;
  readonly state: ReplayState;
  readonly request: ReplayRequest;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  /** With `failed` only. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
  /** Runs chosen; null: not known yet. */
  readonly chosen: number | null;
  /** Runs of those that were made again or skipped. */
  readonly done: number;
  readonly counts: ReplayCounts;
}

/** What a request would choose, before anything runs. The names are those of the HTTP API. */
export interface ReplayPreview {
  /** Runs. */
  readonly chosen: number;
  /** What they did to the world when they were recorded, by kind: `emit`, `kv.set`, `kv.delete`, `fetch`. */
  readonly effects: readonly { readonly kind: string; readonly count: number }[];
}

/** What became of the runs, as the report tells them apart. */
export interface ReplayCounts {
  readonly newly_failing: number;
  readonly diverged: number;
  readonly changed: number;
  readonly newly_passing: number;
  readonly same: number;
  /** Could not be made again. */
  readonly skipped: number;
}

export const NO_REPLAYS: ReplayCounts = {
  newly_failing: 0,
  diverged: 0,
  changed: 0,
  newly_passing: 0,
  same: 0,
  skipped: 0,
};

/** Runs that one job chooses, where it does not say, and at most. */
export const REPLAY_LIMIT = { usual: 1_000, most: 100_000 } as const;
export const MOST_REPLAY_CONCURRENCY = 64;
export const MOST_REPLAY_RATE = 100_000;
export const MOST_REPLAY_EVENT_IDS = 1_000;
