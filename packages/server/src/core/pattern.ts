/**
 * Event type patterns. `*` stands for one or more characters, dots included: `com.example.*` takes
 * `com.example.user.created`. Everything else is literal. `*` alone takes every type but the
 * platform's own (`nexus.` in front), which a pattern must name by that prefix.
 */
export function typeMatches(pattern: string, type: string): boolean {
  if (!pattern.includes("*")) return pattern === type;
  if (type.startsWith(RESERVED_PREFIX) && !pattern.startsWith(RESERVED_PREFIX)) return false;
  return wildcardMatches(pattern, type);
}

/** Types that only the platform makes: HTTP requests, cron ticks and raw NATS messages, addressed to one function. */
export const RESERVED_PREFIX = "nexus.";

/** What a message on the subject of an `on.nats` trigger becomes. */
export const NATS_EVENT = "nexus.nats.message";

/** The literal text before the first `*`: every type the pattern takes starts with it. */
export function literalPrefix(pattern: string): string {
  const star = pattern.indexOf("*");
  return star === -1 ? pattern : pattern.slice(0, star);
}

// Greedy with one point of return: linear for our patterns, and never exponential as a RegExp could be.
function wildcardMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let taken = 0;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p;
      p += 1;
      taken = t + 1; // one character at least
      t = taken;
    } else if (p < pattern.length && pattern[p] === text[t]) {
      p += 1;
      t += 1;
    } else if (star !== -1) {
      p = star + 1;
      taken += 1;
      t = taken;
    } else {
      return false;
    }
  }
  return p === pattern.length && t === text.length;
}
