import type { Output, Paint } from "../output.ts";
import { counted } from "../text.ts";
import { formatDuration } from "../units.ts";

/** Shows on a terminal's stderr how far something is; nothing elsewhere. */
export interface ProgressBar {
  /** `total` is left out where nobody knows it. May be called as often as one likes. */
  update(done: number, total?: number): void;
  /** Takes the line away. */
  end(): void;
}

export interface ProgressOptions {
  /** `Replaying`. */
  readonly doing: string;
  /** What is counted: `run`. */
  readonly unit: string;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

export function progressBar(out: Output, options: ProgressOptions): ProgressBar {
  const { now = () => performance.now(), ...words } = options;
  const seen: Seen[] = [];
  let shownAtMs = -Infinity;
  return {
    update(done, total) {
      const atMs = now();
      const finished = total !== undefined && done >= total;
      if (!out.attended || (atMs - shownAtMs < EVERY_MS && !finished)) return;
      shownAtMs = atMs;
      seen.push({ atMs, done });
      while (seen.length > 2 && atMs - seen[0]!.atMs > WINDOW_MS) seen.shift();
      const state = { ...words, done, total, perSecond: perSecond(seen) };
      out.progress(progressLine(state, out.noteWidth - 1, out.notePaint));
    },
    end: () => out.endProgress(),
  };
}

/** As often as eyes can follow. */
const EVERY_MS = 100;
/** The rate is that of so long: what was quick at first says little about what is left. */
const WINDOW_MS = 10_000;

interface Seen {
  readonly atMs: number;
  readonly done: number;
}

function perSecond(seen: readonly Seen[]): number | undefined {
  const [first, last] = [seen[0]!, seen.at(-1)!];
  const ms = last.atMs - first.atMs;
  return ms < 500 || last.done <= first.done ? undefined : ((last.done - first.done) / ms) * 1000;
}

export interface ProgressState {
  readonly doing: string;
  readonly unit: string;
  readonly done: number;
  readonly total: number | undefined;
  readonly perSecond: number | undefined;
}

/**
 * `Replaying ━━━━━━━╌╌╌╌╌ 1,204 of 5,000 runs  312/s  12 s left`, in `width` columns: where they are too
 * few, rate, bar and remaining time are left out in that order.
 */
export function progressLine(state: ProgressState, width: number, paint: Paint): string {
  const { doing, unit, done, total, perSecond: rate } = state;
  const count =
    total === undefined
      ? counted(done, unit)
      : `${done.toLocaleString("en-US")} of ${counted(total, unit)}`;
  const speed = rate === undefined ? "" : `${rateText(rate)}/s`;
  const left =
    rate === undefined || total === undefined || done >= total
      ? ""
      : `${formatDuration(Math.ceil((total - done) / rate) * 1000)} left`;
  const enough = (parts: readonly string[]): readonly string[] =>
    parts.filter((part) => part !== "");
  const lengthOf = (parts: readonly string[]): number => parts.join("  ").length;
  const bars = (parts: readonly string[]): number =>
    Math.min(WIDEST_BAR, width - doing.length - 2 - lengthOf(parts));

  for (const parts of [enough([count, speed, left]), enough([count, left])]) {
    const cells = bars(parts);
    if (total !== undefined && cells >= NARROWEST_BAR) {
      const bar = barText(done / Math.max(1, total), cells, paint);
      return `${doing} ${bar} ${parts.join("  ")}`;
    }
  }
  for (const parts of [[count, speed, left], [count, left], [count]]) {
    const line = [doing, enough(parts).join("  ")].join(" ");
    if (line.length <= width) return line;
  }
  return count.slice(0, Math.max(0, width));
}

const WIDEST_BAR = 32;
const NARROWEST_BAR = 8;

function barText(share: number, cells: number, paint: Paint): string {
  const full = Math.min(cells, Math.floor(share * cells));
  return paint("green", "━".repeat(full)) + paint("dim", "╌".repeat(cells - full));
}

function rateText(rate: number): string {
  return rate >= 10
    ? Math.round(rate).toLocaleString("en-US")
    : String(Number(rate.toPrecision(2)));
}
