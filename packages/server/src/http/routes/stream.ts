import { typeMatches } from "../../core/pattern.ts";
import type { Functions } from "../../functions/functions.ts";
import type { EventLog, LogEntry } from "../../log/log.ts";
import type { Operation } from "../operation.ts";
import { readQuery, type Query } from "../query.ts";
import type { AppDeps, Route } from "../route.ts";
import { sseMessage, sseReply } from "../sse.ts";
import { eventJson } from "./events.ts";

/** GET /events/stream: what the log keeps from now on, as server-sent events. */
export function streamRoute({ log, functions }: AppDeps): Route {
  return {
    method: "GET",
    path: "/events/stream",
    scope: "read",
    operation: STREAM,
    handle({ request }) {
      const query = readQuery(request.query, Object.keys(STREAM.query!));
      const wants = (entry: LogEntry) => wanted(entry, query, functions);
      return sseReply((signal) => messages(log, wants, signal), request.signal);
    },
  };
}

async function* messages(
  log: EventLog,
  wants: (entry: LogEntry) => boolean,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  for await (const entry of log.watch(signal)) if (wants(entry)) yield message(entry);
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

function message(entry: LogEntry): string {
  if (entry.kind === "event") return sseMessage("event", eventJson(entry.stored));
  return entry.kind === "invocation"
    ? sseMessage("invocation", JSON.stringify(entry.invocation))
    : sseMessage("gap", JSON.stringify({ missed: entry.missed }));
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
