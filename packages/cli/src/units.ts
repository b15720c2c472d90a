/** `0.4 ms`, `12 ms`, `1.2 s`, `3m 20s`, `2h 5m`, `4d 3h`. */
export function formatDuration(ms: number): string {
  if (ms < 10) return `${trimmed(ms, ms < 0.1 ? 3 : 1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${trimmed(ms / 1000, 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < HOUR) return pair(Math.floor(seconds / MINUTE), "m", seconds % MINUTE, "s");
  const minutes = Math.floor(seconds / MINUTE);
  if (seconds < DAY) return pair(Math.floor(minutes / 60), "h", minutes % 60, "m");
  const hours = Math.floor(minutes / 60);
  return pair(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** How long ago a time was, as short as it can be said: `now`, `12s ago`, `in 3m`, `2d ago`. */
export function formatAge(time: string, nowMs: number): string {
  const seconds = Math.round((nowMs - Date.parse(time)) / 1000);
  const size = Math.abs(seconds);
  if (Number.isNaN(seconds)) return time;
  if (size < 1) return "now";
  const amount =
    size < MINUTE
      ? `${size}s`
      : size < HOUR
        ? `${Math.floor(size / MINUTE)}m`
        : size < DAY
          ? `${Math.floor(size / HOUR)}h`
          : `${Math.floor(size / DAY)}d`;
  return seconds > 0 ? `${amount} ago` : `in ${amount}`;
}

/** `512 B`, `64 KiB`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(SIZES.length, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 2 ** (10 * power);
  return `${trimmed(amount, amount < 10 ? 1 : 0)} ${SIZES[power - 1]}`;
}

/** Local time of day, with milliseconds: for lines that follow what happens. */
export function formatClock(time: string | Date): string {
  const date = new Date(time);
  const two = (value: number): string => String(value).padStart(2, "0");
  const millis = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${millis}`;
}

/** Twelve digits of a sha256 name it well enough. */
export function shortVersion(version: string): string {
  return version.slice(0, 12);
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`;
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const SIZES = ["KiB", "MiB", "GiB", "TiB"] as const;
