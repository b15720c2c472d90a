import type { FileStat, FileTimes } from "../../files.ts";

/** As a time for node:fs: NaN leaves the time as it is (libuv's UTIME_OMIT), and only a Date may be NaN. */
export type NodeTime = string | Date;

const UNCHANGED = new Date(Number.NaN);
const NS_PER_SECOND = 1_000_000_000n;
/** Many are set by few programs only. */
const MOST_REMEMBERED = 10_000;

interface SetTime {
  readonly asked: bigint;
  readonly stored: bigint;
}

interface SetTimes {
  accessed?: SetTime;
  modified?: SetTime;
}

/**
 * Times to the nanosecond over node:fs, which takes seconds as a double: today's are then stored 238 ns
 * apart. What a run asked for is remembered and told for as long as the file keeps what was stored for
 * it; other programs see the stored time.
 */
export class ExactTimes {
  readonly #files = new Map<string, SetTimes>();

  /** `set` gets what node:fs takes; `stat` tells what became of it. */
  set(
    { accessedNs, modifiedNs }: FileTimes,
    file: {
      readonly set: (accessed: NodeTime, modified: NodeTime) => void;
      readonly stat: () => FileStat;
    },
  ): void {
    if (accessedNs === undefined && modifiedNs === undefined) return;
    file.set(nodeTime(accessedNs), nodeTime(modifiedNs));
    const stored = file.stat();
    const times = this.#files.get(nameOf(stored)) ?? {};
    if (accessedNs !== undefined) times.accessed = { asked: accessedNs, stored: stored.accessedNs };
    if (modifiedNs !== undefined) times.modified = { asked: modifiedNs, stored: stored.modifiedNs };
    this.#remember(nameOf(stored), times);
  }

  told(stat: FileStat): FileStat {
    if (this.#files.size === 0) return stat;
    const times = this.#files.get(nameOf(stat));
    if (times === undefined) return stat;
    return {
      ...stat,
      accessedNs: timeOf(times.accessed, stat.accessedNs),
      modifiedNs: timeOf(times.modified, stat.modifiedNs),
    };
  }

  #remember(name: string, times: SetTimes): void {
    this.#files.delete(name);
    this.#files.set(name, times);
    if (this.#files.size <= MOST_REMEMBERED) return;
    const [oldest] = this.#files.keys();
    this.#files.delete(oldest!);
  }
}

function timeOf(set: SetTime | undefined, stored: bigint): bigint {
  return set !== undefined && set.stored === stored ? set.asked : stored;
}

function nameOf({ device, inode }: FileStat): string {
  return `${device}:${inode}`;
}

// As text: node:fs takes a negative number for "now". The rest is cut off on the way to nanoseconds, so
// half a nanosecond more comes nearer.
function nodeTime(ns: bigint | undefined): NodeTime {
  if (ns === undefined) return UNCHANGED;
  const seconds = ns / NS_PER_SECOND;
  return String(Number(seconds) + (Number(ns % NS_PER_SECOND) + 0.5) / 1e9);
}
