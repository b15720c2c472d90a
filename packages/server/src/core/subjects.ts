/** In front of the platform's own NATS subjects, where nothing else is configured. */
export const DEFAULT_NATS_PREFIX = "nexus";

/**
 * Whether some message's subject fits both; each may have the wildcards of NATS: `*` for one part, a
 * last `>` for one or more.
 */
export function subjectsOverlap(one: string, other: string): boolean {
  const a = one.split(".");
  const b = other.split(".");
  for (let at = 0; at < a.length && at < b.length; at += 1) {
    if (a[at] === ">" || b[at] === ">") return true;
    if (a[at] !== b[at] && a[at] !== "*" && b[at] !== "*") return false;
  }
  return a.length === b.length;
}
