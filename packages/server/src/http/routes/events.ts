import { NexusError } from "../../core/errors.ts";
import type { StoredEvent } from "../../core/event.ts";
import type { EventFilter } from "../../log/log.ts";
import { json, PAGE_QUERY, SINCE, type Operation } from "../operation.ts";
import { moment, pageRequest, readQuery } from "../query.ts";
import { page, reading } from "../reply.ts";
import type { AppDeps, Call, Route } from "../route.ts";

/** The calls that read events. */
export function eventRoutes(deps: AppDeps): readonly Route[] {
  const { log } = deps;
  return [
    {
      method: "GET",
      path: "/events",
      scope: "read",
      operation: LIST,
      async handle({ request }) {
        const query = readQuery(request.query, Object.keys(LIST.query!));
        const now = deps.now();
        const since = moment("since", query["since"], now);
        const until = moment("until", query["until"], now);
        const filter: EventFilter = {
          ...(query["type"] === undefined ? {} : { type: query["type"] }),
          ...(query["source"] === undefined ? {} : { source: query["source"] }),
          ...(since === undefined ? {} : { since }),
          ...(until === undefined ? {} : { until }),
        };
        const { items, nextCursor } = await log.list(filter, pageRequest(query));
        return page("events", items.map(eventJson), nextCursor);
      },
    },
    {
      method: "GET",
      path: "/events/:event_id",
      scope: "read",
      operation: GET,
      async handle(call) {
        const stored = await findEvent(call, deps);
        return {
          status: 200,
          headers: {
            "content-type": "application/cloudevents+json",
            "cache-control": "no-store",
            "nexus-position": String(stored.position),
            "nexus-accepted-at": new Date(stored.acceptedAt).toISOString(),
          },
          body: stored.event.json,
        };
      },
    },
    {
      method: "GET",
      path: "/events/:event_id/invocations",
      scope: "read",
      operation: INVOCATIONS,
      async handle(call) {
        const { position } = await findEvent(call, deps);
        return reading({ invocations: await log.invocations.ofEvent(position) });
      },
    },
  ];
}

/** The event a path names, of `?source=` where several sources have that id. EVENT_NOT_FOUND. */
export async function findEvent(
  { request, params }: Call,
  { log }: AppDeps,
  parameters: readonly string[] = ["source"],
): Promise<StoredEvent> {
  const id = params["event_id"]!;
  const { source } = readQuery(request.query, parameters);
  const stored = await log.find(id, source);
  if (stored !== undefined) return stored;
  const of = source === undefined ? "" : ` of source ${JSON.stringify(source)}`;
  throw new NexusError(
    "EVENT_NOT_FOUND",
    `Cannot find event ${JSON.stringify(id.slice(0, 200))}${of}: there is none`,
  );
}

/** The event as it was kept, byte for byte. */
export function eventJson({ event }: StoredEvent): string {
  return decoder.decode(event.json);
}

const decoder = new TextDecoder();

const SOURCE = {
  source: { description: "Of this source, where several have an event with that id." },
};

const LIST: Operation = {
  id: "listEvents",
  tag: "Events",
  summary: "List events, newest first",
  query: {
    type: {
      description: "A type, or a pattern: `*` stands for one or more characters.",
      example: "com.example.*",
    },
    source: { description: "Exactly this source." },
    since: SINCE,
    until: { description: "Before this moment; as `since`." },
    ...PAGE_QUERY,
  },
  answers: { 200: { description: "A page of CloudEvents.", content: json("EventPage") } },
  problems: ["REQUEST_INVALID", "CURSOR_INVALID", "LOG_UNAVAILABLE"],
};

const GET: Operation = {
  id: "getEvent",
  tag: "Events",
  summary: "Get one event",
  params: { event_id: "The event's id." },
  query: SOURCE,
  answers: {
    200: {
      description: "The event as structured JSON.",
      content: { "application/cloudevents+json": { schema: "CloudEvent" } },
      headers: {
        "nexus-position": "Order of acceptance.",
        "nexus-accepted-at": "When it was accepted (RFC 3339).",
      },
    },
  },
  problems: ["EVENT_NOT_FOUND", "REQUEST_INVALID", "LOG_UNAVAILABLE"],
};

const INVOCATIONS: Operation = {
  id: "listEventInvocations",
  tag: "Invocations",
  summary: "Every invocation of one event, oldest first",
  params: { event_id: "The event's id." },
  query: SOURCE,
  answers: { 200: { description: "Its records.", content: json("InvocationList") } },
  problems: ["EVENT_NOT_FOUND", "REQUEST_INVALID", "LOG_UNAVAILABLE"],
};
