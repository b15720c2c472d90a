import { NexusError } from "../core/errors.ts";
import {
  childTrace,
  formatTraceparent,
  parseTraceparent,
  type TraceContext,
} from "../core/trace.ts";
import type { HttpTrigger } from "../functions/functions.ts";
import { Caller } from "./caller.ts";
import { addressReader } from "./client-address.ts";
import { Door, type Headers } from "./door.ts";
import type { HttpHandler, HttpReply, HttpRequest } from "./http.ts";
import { openapiRoute } from "./openapi.ts";
import { problemOf } from "./problem.ts";
import type { AppDeps, Route } from "./route.ts";
import { SECURITY_HEADERS } from "./reply.ts";
import { Router, type Match } from "./router.ts";
import { deadLetterRoutes } from "./routes/dead-letters.ts";
import { eventRoutes } from "./routes/events.ts";
import { functionRoutes } from "./routes/functions.ts";
import { invocationRoutes } from "./routes/invocations.ts";
import { recordingFileRoutes } from "./routes/recording-files.ts";
import { replayRoutes } from "./routes/replays.ts";
import { recordingRoutes } from "./routes/recordings.ts";
import { operationsRoutes } from "./routes/operations.ts";
import { publishRoutes } from "./routes/publish.ts";
import { streamRoute } from "./routes/stream.ts";
import { triggerRoute } from "./trigger.ts";

export type { AppDeps } from "./route.ts";

/** The label of a request that led nowhere: paths from outside must not become metrics. */
const NO_ROUTE = "(none)";

/** Every call of the HTTP API; ours, in the order openapi.json has them. */
export function apiRoutes(deps: AppDeps): readonly Route[] {
  const routes = [
    ...publishRoutes(deps),
    streamRoute(deps),
    ...eventRoutes(deps),
    ...invocationRoutes(deps),
    ...recordingRoutes(deps),
    ...recordingFileRoutes(deps),
    ...replayRoutes(deps),
    ...deadLetterRoutes(deps),
    ...functionRoutes(deps),
    ...operationsRoutes(deps),
  ];
  return [...routes, openapiRoute(routes)];
}

/**
 * The HTTP API and the users' HTTP triggers as one function. It never rejects: whatever a route
 * throws becomes a problem document, and what is no NexusError is logged as well.
 */
export function createApp(deps: AppDeps): HttpHandler {
  const routers = currentRouter(deps);
  const { access, telemetry, settings } = deps;
  const addressOf = addressReader(deps.trustedProxies);
  const door = new Door({
    guarded: access !== undefined,
    settings: () => settings().rateLimit,
    limited: (limit) => telemetry.meter.requestLimited(limit),
  });
  return async (request) => {
    const begun = performance.now();
    const parent = parseTraceparent(request.headers["traceparent"]);
    const trace = parent === undefined ? deps.telemetry.tracer.root() : childTrace(parent);
    const traceparent = formatTraceparent(trace);
    let route: Route | undefined;
    let reply: HttpReply;
    let standing: Headers | undefined;
    const caller = new Caller(request, access, addressOf);
    try {
      standing = door.admit(caller, request.path, begun);
      const match: Match<Route> = routers().find(request.method, request.path);
      route = match.value;
      door.check(caller, route.scope, begun);
      reply = await route.handle({ request, caller, params: match.params, trace, traceparent });
    } catch (error) {
      reply = onError(error, { request, route, trace, deps });
    }
    report({ request, route, reply, begun, trace, parent }, deps);
    const headers = { ...SECURITY_HEADERS, traceparent, ...standing, ...reply.headers };
    const { status, body } = reply;
    return body === undefined ? { status, headers } : { status, headers, body };
  };
}

/** The router for the triggers in service now; the registry gives the same list as long as nothing changed. */
function currentRouter(deps: AppDeps): () => Router<Route> {
  const ours = apiRoutes(deps);
  let served: readonly HttpTrigger[] | undefined;
  let router = new Router<Route>();
  return () => {
    const triggers = deps.functions.httpTriggers();
    if (triggers === served) return router;
    served = triggers;
    router = new Router();
    for (const route of ours) router.add(route.method, route.path, route);
    for (const trigger of triggers) {
      const route = triggerRoute(trigger, deps);
      router.add(route.method, route.path, route);
    }
    return router;
  };
}

interface Failed {
  readonly request: HttpRequest;
  readonly route: Route | undefined;
  readonly trace: TraceContext;
  readonly deps: AppDeps;
}

function onError(error: unknown, { request, route, trace, deps }: Failed): HttpReply {
  const { logger, meter } = deps.telemetry;
  if (route?.ingests === true && error instanceof NexusError) meter.eventRejected(error.code);
  if (!(error instanceof NexusError)) {
    logger.error("Cannot answer: this is a bug", {
      trace_id: trace.traceId,
      method: request.method,
      route: route?.path ?? NO_ROUTE,
      error,
    });
  }
  return problemOf(error, trace.traceId);
}

interface Answered {
  readonly request: HttpRequest;
  readonly route: Route | undefined;
  readonly reply: HttpReply;
  readonly begun: number;
  readonly trace: TraceContext;
  readonly parent: TraceContext | undefined;
}

function report(answered: Answered, { telemetry: { meter, tracer } }: AppDeps): void {
  const { request, route, reply, begun, trace, parent } = answered;
  const path = route?.path ?? NO_ROUTE;
  const ended = performance.now();
  meter.httpRequest(path, request.method, reply.status, ended - begun);
  if (!tracer.enabled) return;
  tracer.span({
    name: `${request.method} ${path}`,
    kind: "server",
    trace,
    ...(parent === undefined ? {} : { parentSpanId: parent.spanId }),
    startedAt: performance.timeOrigin + begun,
    endedAt: performance.timeOrigin + ended,
    attributes: {
      "http.request.method": request.method,
      "http.route": path,
      "http.response.status_code": reply.status,
      "url.path": request.path,
    },
    ...(reply.status >= 500 ? { error: `HTTP ${reply.status}` } : {}),
  });
}
