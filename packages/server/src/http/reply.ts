import type { HttpReply } from "./http.ts";

/** Of every answer: a guess at what a body is must not beat what we say it is, and an id in a path goes nowhere else. */
export const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
} as const;

// What the API answers is of the moment; no cache between may keep it.
const JSON_HEADERS = { "content-type": "application/json", "cache-control": "no-store" };

/** The answer to a call that reads. */
export function reading(value: unknown, status = 200): HttpReply {
  return { status, headers: JSON_HEADERS, body: JSON.stringify(value) };
}

/** The answer to a call that does; `body` is JSON already. */
export function done(status: number, body: string): HttpReply {
  return { status, headers: JSON_HEADERS, body };
}

/** One page of a list; `items` are JSON texts. */
export function page(name: string, items: readonly string[], nextCursor?: string): HttpReply {
  const next = nextCursor === undefined ? "" : `,"next_cursor":${JSON.stringify(nextCursor)}`;
  return {
    status: 200,
    headers: JSON_HEADERS,
    body: `{"${name}":[${items.join(",")}]${next}}`,
  };
}
