import { isTimestamp } from "../core/attributes.ts";
import { NexusError } from "../core/errors.ts";
import { parseDuration } from "../core/quantity.ts";
import type { PageRequest } from "../log/log.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1000;

/** The parameters of a call that reads, by name; those that are empty are as good as absent. */
export type Query = Readonly<Partial<Record<string, string>>>;

/**
 * Reads a query of these parameters and no others: a misspelt filter that is ignored shows the wrong
 * things. REQUEST_INVALID.
 */
export function readQuery(query: string, known: readonly string[]): Query {
  if (query === "") return {};
  const values: Partial<Record<string, string>> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    if (!known.includes(name)) {
      throw invalid(name, `there is no such parameter here; there are ${known.join(", ")}`);
    }
    if (values[name] !== undefined) throw invalid(name, "it is there twice");
    if (value !== "") values[name] = value;
  }
  return values;
}

export function pageRequest({ limit, cursor }: Query): PageRequest {
  return {
    limit: whole("limit", limit, MAX_LIMIT) ?? DEFAULT_LIMIT,
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** A whole number from 1 to `max`; undefined where none is given. */
export function whole(name: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d{1,10}$/.test(text) && number >= 1 && number <= max) return number;
  throw invalid(name, `must be a whole number from 1 to ${max}, not ${shown(text)}`);
}

/** A moment as RFC 3339 or as an age (`24h`: that long before `now`), in milliseconds since the Unix epoch. */
export function moment(name: string, text: string | undefined, now: Date): number | undefined {
  if (text === undefined) return undefined;
  const age = parseDuration(text);
  if (age !== undefined) return now.getTime() - age;
  const at = isTimestamp(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(at)) return at;
  throw invalid(name, `must be a timestamp (RFC 3339) or an age such as 24h, not ${shown(text)}`);
}

/** One of `values`; undefined where none is given. */
export function choice<T extends string>(
  name: string,
  text: string | undefined,
  values: readonly T[],
): T | undefined {
  if (text === undefined) return undefined;
  const found = values.find((value) => value === text);
  if (found !== undefined) return found;
  throw invalid(name, `must be one of ${values.join(", ")}, not ${shown(text)}`);
}

const MAX_WAIT_MS = 300_000;

/** `?wait=` of a call that publishes, in milliseconds; other parameters are the sender's own. */
export function readWait(query: string): number | undefined {
  if (query === "") return undefined;
  const text = new URLSearchParams(query).get("wait");
  if (text === null) return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0 && ms <= MAX_WAIT_MS) return ms;
  throw invalid("wait", `must be a duration over 0 and up to 5m, such as 5s, not ${shown(text)}`);
}

function invalid(name: string, rule: string): NexusError {
  return new NexusError("REQUEST_INVALID", `Cannot read query: ${shown(name)}: ${rule}`);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
