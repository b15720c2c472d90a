import { ERRORS, NexusError, type ErrorCode, type ErrorFacts } from "../core/errors.ts";
import type { HttpReply } from "./http.ts";

/** How long a client waits before it tries again what may succeed later; RFC 9110, section 10.2.3. */
const RETRY_AFTER_SECONDS = "1";

/**
 * RFC 9457. `type` is a reference to the code's part of `GET /errors`, so that it leads somewhere on
 * every server and is the same on all.
 */
export function problem(code: ErrorCode, detail: string, traceId: string): HttpReply {
  const facts: ErrorFacts = ERRORS[code];
  const { status, title } = facts;
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  };
  // Of a 429 it is known, and said by whoever throws it.
  if (status === 503) headers["retry-after"] = RETRY_AFTER_SECONDS;
  return {
    status,
    headers,
    body: JSON.stringify({
      type: `/errors#${code}`,
      title,
      status,
      detail,
      code,
      trace_id: traceId,
    }),
  };
}

/**
 * The answer to whatever a route threw. What is no NexusError is a bug: its words stay in
 * the log. An error's `details.headers` become the answer's.
 */
export function problemOf(error: unknown, traceId: string): HttpReply {
  if (!(error instanceof NexusError)) {
    return problem("INTERNAL", "Cannot answer: the server made a mistake", traceId);
  }
  const reply = problem(error.code, error.message, traceId);
  const { headers } = error.details;
  return {
    ...reply,
    headers: {
      ...reply.headers,
      ...(headers as Readonly<Record<string, string>> | undefined),
    },
  };
}
