import { didYouMean } from "./suggest.ts";

/** First segments of the server's own API: no function can have them. */
export const API_SEGMENTS: readonly string[] = [
  "events",
  "webhook",
  "invocations",
  "replay",
  "replays",
  "functions",
  "dead-letters",
  "health",
  "livez",
  "readyz",
  "metrics",
  "openapi.json",
  "nexus.schema.json",
  "errors",
  "console",
];

export const HTTP_METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "*",
] as const;

/** A path under here is another way to write an event trigger. */
const EVENTS = "/events/";

// `__proto__` would set the prototype of the parameters, and be lost.
const PARAMETER = /^:(?!__proto__$)[A-Za-z_]\w*$/;
const LITERAL = /^[\w.~@!$&'+,;=-]+$/;

/** The event type that `/events/<type>` stands for; undefined for every other path. */
export function eventTypeOfPath(path: string): string | undefined {
  return path.startsWith(EVENTS) ? path.slice(EVENTS.length) : undefined;
}

/** The rule this path breaks, in words that follow the path; undefined for a good one. */
export function pathFault(path: string): string | undefined {
  if (!path.startsWith("/")) return `must start with "/" (try "/${path.replace(/^\.?\/*/, "")}")`;
  const segments = path.slice(1).split("/");
  const names = new Set<string>();
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === "" && !last) return 'has an empty segment ("//")';
    if (segment === ".." || segment === ".") return `must not have "${segment}" in it`;
    if (segment === "" || (segment === "*" && last)) continue;
    if (segment.startsWith("*")) return 'may have "*" as its last segment only';
    if (segment.startsWith(":")) {
      if (!PARAMETER.test(segment)) return `has no name in "${segment}" (try ":id")`;
      if (names.has(segment)) return `has "${segment}" twice`;
      names.add(segment);
    } else if (!LITERAL.test(segment)) {
      return 'may have letters, digits and -._~@!$&\'+,;= in it, ":name" for one segment, and "*" at its end';
    }
  }
  const first = segments[0]!;
  if (first === "events" || !API_SEGMENTS.includes(first)) {
    return path === "/events" || path === EVENTS
      ? 'belongs to the server\'s own API (try "/events/<type>" or another path)'
      : undefined;
  }
  return `belongs to the server's own API: "/${first}" (try another first segment)`;
}

/** `get` → ` (did you mean "GET"?)`. */
export function methodHint(method: string): string {
  return didYouMean(method, HTTP_METHODS);
}

/** Equal for two paths that take the same requests: parameters count by place, not by name. */
export function pathShape(path: string): string {
  return path
    .split("/")
    .map((segment) => (segment.startsWith(":") ? ":" : segment))
    .join("/");
}
