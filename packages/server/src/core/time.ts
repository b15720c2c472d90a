let lastMs = NaN;
let last = "";

/** RFC 3339 with milliseconds, in UTC. Thousands of calls a second share a millisecond, and its text. */
export function isoTime(ms: number): string {
  if (ms !== lastMs) {
    last = new Date(ms).toISOString();
    lastMs = ms;
  }
  return last;
}
