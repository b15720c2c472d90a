import { functionFailed, INVOCATION_ID, outputTooLong } from "../core/answer.ts";
import { createEvent } from "../core/cloudevents.ts";
import { readText } from "../core/content.ts";
import type { NewEvent } from "../core/event.ts";
import { uuidv7 } from "../core/ids.ts";
import type { Invocation } from "../core/invocation.ts";
import { isoTime } from "../core/time.ts";
import type { HttpTrigger } from "../functions/functions.ts";
import { accept, acceptedJson } from "./accept.ts";
import { replyOf } from "./cgi.ts";
import type { HttpReply, HttpRequest } from "./http.ts";
import { done } from "./reply.ts";
import type { AppDeps, Call, Route } from "./route.ts";

const HTTP_EVENT = "nexus.http.request";

/** The route of a user's `on.http` trigger. */
export function triggerRoute({ function: version, trigger }: HttpTrigger, deps: AppDeps): Route {
  const { name } = version;
  const served: Served = { name, source: `/nexus/http/${name}`, deps };
  return {
    method: trigger.method,
    path: trigger.path,
    scope: trigger.auth === "required" ? "publish" : "public",
    ingests: true,
    handle: trigger.respond
      ? (call) => respond(call, served)
      : async (call) => {
          const body = await call.request.body(deps.settings().eventBytes);
          const event = requestEvent(body, call, served);
          const [accepted] = await accept([event], undefined, { call, deps });
          return done(202, accepted!.json);
        },
  };
}

/** The function behind a route. */
interface Served {
  readonly name: string;
  /** Of the events that the route makes. */
  readonly source: string;
  readonly deps: AppDeps;
}

async function respond(call: Call, served: Served): Promise<HttpReply> {
  const { name, deps } = served;
  const body = await call.request.body(deps.settings().eventBytes);
  const event = requestEvent(body, call, served);
  const { appended, invocationId, outcome } = await deps.dispatch.call(event, name);
  deps.telemetry.meter.eventAccepted("http", appended.status);
  if (outcome === undefined) {
    return answerAgain(event, appended.position, call, served);
  }
  if (outcome.error !== null) throw functionFailed(name, invocationId, outcome.error.code);
  if (outcome.outputBytes > outcome.output.length) throw outputTooLong(name, invocationId);
  return withInvocation(replyOf(outcome.output), invocationId);
}

// The same idempotency key again: the first run's answer, from its record. It may not be there yet.
async function answerAgain(
  event: NewEvent,
  position: number,
  call: Call,
  { name, deps }: Served,
): Promise<HttpReply> {
  const records = await deps.log.invocations.ofEvent(position);
  const first = records.find((one) => one.function === name && one.trigger === "http");
  if (first === undefined) {
    return done(202, acceptedJson(event, { status: "duplicate", position }, call.trace.traceId));
  }
  if (first.error !== null) throw functionFailed(name, first.id, first.error.code);
  if (first.output_truncated) throw outputTooLong(name, first.id);
  return withInvocation(replyOf(outputBytes(first)), first.id);
}

function outputBytes({ output, output_encoding }: Invocation): Uint8Array {
  return Buffer.from(output, output_encoding === "base64" ? "base64" : "utf8");
}

function withInvocation({ status, headers, body }: HttpReply, id: string): HttpReply {
  const more = { ...headers, [INVOCATION_ID]: id };
  return body === undefined ? { status, headers: more } : { status, headers: more, body };
}

function requestEvent(bytes: Uint8Array, call: Call, { name, source, deps }: Served): NewEvent {
  const { request } = call;
  const nowMs = deps.now().getTime();
  const { body, base64 } = bodyOf(bytes, request.headers["content-type"]);
  const data = {
    method: request.method,
    path: request.path,
    params: call.params,
    query: queryOf(request.query),
    headers: headersFor(call),
    body, // left out of the JSON where it is undefined
    body_base64: base64,
  };
  const key = request.headers["idempotency-key"];
  const event = createEvent(
    {
      id: key ?? uuidv7(nowMs),
      source,
      type: HTTP_EVENT,
      time: isoTime(nowMs),
      datacontenttype: "application/json",
    },
    { kind: "json", text: JSON.stringify(data) },
  );
  const meta = { traceparent: call.traceparent, depth: 0, target: name };
  return { event, meta, freshId: key === undefined };
}

/** The event goes to the log and to the function: a token of this server does not. */
function headersFor({ request: { headers }, caller }: Call): HttpRequest["headers"] {
  if (caller.tokens.length === 0) return headers;
  return { ...headers, authorization: undefined }; // left out of the JSON
}

function bodyOf(
  bytes: Uint8Array,
  contentType: string | undefined,
): { readonly body?: string; readonly base64?: string } {
  if (bytes.length === 0) return NO_BODY;
  const text = readText(bytes, contentType);
  if (text !== undefined) return { body: text };
  const { buffer, byteOffset, byteLength } = bytes;
  return { base64: Buffer.from(buffer, byteOffset, byteLength).toString("base64") };
}

const NO_BODY = {};

/** One value as a string, several as an array. */
function queryOf(query: string): Record<string, string | string[]> {
  if (query === "") return {};
  const values = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(query)) {
    const before = values.get(name);
    if (before === undefined) values.set(name, value);
    else values.set(name, [before, value].flat());
  }
  return Object.fromEntries(values);
}
