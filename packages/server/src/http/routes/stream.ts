import { setTimeout as delay } from "node:timers/promises";
import { typeMatches } from "../../core/pattern.ts";
import type { Functions } from "../../functions/functions.ts";
import type { EventLog, LogEntry } from "../../log/log.ts";
import type { Operation } from "../operation.ts";
import { readQuery, type Query } from "../query.ts";
import type { AppDeps, Route } from "../route.ts";
import { eventJson } from "./events.ts";

/** Proxies close connections that say nothing for a minute, some after less. */
const HEARTBEAT_MS = 15_000;

/** GET /events/stream: what the log keeps from now on, as server-sent events. */
export function streamRoute({ log, functions }: AppDeps): Route {
  return {
    method: "GET",
    path: "/events/stream",
    scope: "read",
    operation: STREAM,
    handle({ request }) {
      const query = readQuery(request.query, Object.keys(STREAM.query!));
      return {
        status: 200,
        headers: {
          "content-type": "text/event-stream",
          "cache-control": "no-store",
          "x-accel-buffering": "no",
        },
        body: frames(log, (entry) => wanted(entry, query, functions), request.signal),
      };
    },
  };
}

async function* frames(
  log: EventLog,
  wants: (entry: LogEntry) => boolean,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  // Ends the watch also where the reader stops reading before the client is gone.
  const stopped = new AbortController();
  const entries = log.watch(AbortSignal.any([signal, stopped.signal]));
  const iterator = entries[Symbol.asyncIterator]();
  try {
    let next = iterator.next();
    // At once: the client knows that it is connected, and nothing is missed from here on.
    yield ": connected\n\n";
    while (!signal.aborted) {
      const quiet = new AbortController();
      const heartbeat = delay(HEARTBEAT_MS, undefined, { signal: quiet.signal }).catch(
        () => undefined,
      );
      const winner = await Promise.race([next, heartbeat]);
      quiet.abort();
      if (winner === undefined) {
        yield ": heartbeat\n\n";
        continue;
      }
      if (winner.done === true) return;
      next = iterator.next();
      if (wants(winner.value)) yield frame(winner.value);
    }
  } finally {
    stopped.abort();
  }
}

function wanted(entry: LogEntry, { type, function: name }: Query, functions: Functions): boolean {
  if (entry.kind === "gap") return true;
  const entryType = entry.kind === "event" ? entry.stored.event.type : entry.invocation.event_type;
  if (type !== undefined && !typeMatches(type, entryType)) return false;
  if (name === undefined) return true;
  return entry.kind === "event"
    ? functions.matching(entry.stored).some((one) => one.name === name)
    : entry.invocation.function === name;
}

function frame(entry: LogEntry): string {
  if (entry.kind === "event") return sse("event", eventJson(entry.stored));
  return entry.kind === "invocation"
    ? sse("invocation", JSON.stringify(entry.invocation))
    : sse("gap", JSON.stringify({ missed: entry.missed }));
}

// An event's JSON may have line breaks between its members; each line is a field of its own.
function sse(event: string, json: string): string {
  const data = /[\r\n]/.test(json) ? json.replaceAll(/\r\n|\r|\n/g, "\ndata: ") : json;
  return `event: ${event}\ndata: ${data}\n\n`;
}

const STREAM: Operation = {
  id: "stream",
  tag: "Events",
  summary: "Follow events and invocations as they are kept (server-sent events)",
  description:
    "`event`: a CloudEvent. `invocation`: a record. `gap`: `{missed}`, how many entries this client was too slow for.",
  query: {
    type: { description: "Of this type; a pattern." },
    function: { description: "Of this function: events it takes, and its invocations." },
  },
  answers: { 200: { description: "The stream.", content: { "text/event-stream": {} } } },
  problems: ["REQUEST_INVALID", "LOG_UNAVAILABLE"],
};
