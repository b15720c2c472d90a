import { NexusError } from "../../core/errors.ts";
import { INVOCATION_STATUSES } from "../../core/invocation.ts";
import type { InvocationFilter } from "../../log/log.ts";
import { json, PAGE_QUERY, SINCE, type Operation } from "../operation.ts";
import { choice, moment, pageRequest, readQuery } from "../query.ts";
import { page, reading } from "../reply.ts";
import type { AppDeps, Route } from "../route.ts";
import { findEvent } from "./events.ts";

/** Records, and running a kept event again. */
export function invocationRoutes(deps: AppDeps): readonly Route[] {
  const { log, dispatch } = deps;
  return [
    {
      method: "GET",
      path: "/invocations",
      scope: "read",
      operation: LIST,
      async handle({ request }) {
        const query = readQuery(request.query, Object.keys(LIST.query!));
        const status = choice("status", query["status"], INVOCATION_STATUSES);
        const since = moment("since", query["since"], deps.now());
        const filter: InvocationFilter = {
          ...(query["function"] === undefined ? {} : { function: query["function"] }),
          ...(status === undefined ? {} : { status }),
          ...(since === undefined ? {} : { since }),
        };
        const { items, nextCursor } = await log.invocations.list(filter, pageRequest(query));
        return page(
          "invocations",
          items.map((item) => JSON.stringify(item)),
          nextCursor,
        );
      },
    },
    {
      method: "GET",
      path: "/invocations/:invocation_id",
      scope: "read",
      operation: GET,
      async handle({ params }) {
        const id = params["invocation_id"]!;
        const invocation = await log.invocations.get(id);
        if (invocation !== undefined) return reading(invocation);
        throw new NexusError(
          "INVOCATION_NOT_FOUND",
          `Cannot find invocation ${JSON.stringify(id.slice(0, 200))}: there is none`,
        );
      },
    },
    {
      method: "POST",
      path: "/replay/:event_id",
      scope: "admin",
      operation: REPLAY,
      async handle(call) {
        const parameters = Object.keys(REPLAY.query!);
        const stored = await findEvent(call, deps, parameters);
        const { function: name } = readQuery(call.request.query, parameters);
        const invocations = await dispatch.replay(stored, {
          traceparent: call.traceparent,
          ...(name === undefined ? {} : { function: name }),
        });
        return reading({ event_id: stored.event.id, invocations });
      },
    },
  ];
}

const LIST: Operation = {
  id: "listInvocations",
  tag: "Invocations",
  summary: "List invocations, newest first",
  query: {
    function: { description: "Of this function." },
    status: {
      description: "With this outcome.",
      schema: { type: "string", enum: INVOCATION_STATUSES },
    },
    since: SINCE,
    ...PAGE_QUERY,
  },
  answers: { 200: { description: "A page of records.", content: json("InvocationPage") } },
  problems: ["REQUEST_INVALID", "CURSOR_INVALID", "LOG_UNAVAILABLE"],
};

const GET: Operation = {
  id: "getInvocation",
  tag: "Invocations",
  summary: "Get one invocation",
  params: { invocation_id: "The invocation's id." },
  answers: { 200: { description: "Its record.", content: json("Invocation") } },
  problems: ["INVOCATION_NOT_FOUND", "LOG_UNAVAILABLE"],
};

const REPLAY: Operation = {
  id: "replay",
  tag: "Invocations",
  summary: "Run a kept event again, now and with effects",
  description:
    "On every function it matches, or on one. The records say `replay`, and the function sees NEXUS_REPLAY=true.",
  params: { event_id: "The event's id." },
  query: {
    function: { description: "On this function only, matching or not." },
    source: { description: "The event of this source, where several have that id." },
  },
  answers: { 200: { description: "The new invocations.", content: json("Replayed") } },
  problems: [
    ...(["EVENT_NOT_FOUND", "FUNCTION_NOT_FOUND", "REQUEST_INVALID"] as const),
    ...(["LOG_UNAVAILABLE", "LOG_FULL", "SHUTTING_DOWN"] as const),
  ],
};
