import { createEvent } from "../core/cloudevents.ts";
import { NexusError, type ErrorCode } from "../core/errors.ts";
import type { NewEvent } from "../core/event.ts";
import { uuidv7 } from "../core/ids.ts";
import type { Invocation, InvocationError } from "../core/invocation.ts";
import type { HttpTrigger } from "../functions/functions.ts";
import { accept, acceptedJson } from "./accept.ts";
import { replyOf } from "./cgi.ts";
import { readText } from "./content.ts";
import type { HttpReply, HttpRequest } from "./http.ts";
import { done } from "./reply.ts";
import type { AppDeps, Call, Route } from "./route.ts";

const HTTP_EVENT = "nexus.http.request";
const INVOCATION_ID = "nexus-invocation-id";

/** The route of a user's `on.http` trigger. */
export function triggerRoute({ function: version, trigger }: HttpTrigger, deps: AppDeps): Route {
  const { name } = version;
  return {
    method: trigger.method,
    path: trigger.path,
    ingests: true,
    handle: trigger.respond
      ? (call) => respond(call, name, deps)
      : async (call) => {
          const event = await requestEvent(call, name, deps);
          const [accepted] = await accept([event], undefined, { call, deps });
          return done(202, accepted!.json);
        },
  };
}

async function respond(call: Call, name: string, deps: AppDeps): Promise<HttpReply> {
  const event = await requestEvent(call, name, deps);
  const { appended, invocationId, outcome } = await deps.dispatch.call(event, name);
  deps.telemetry.meter.eventAccepted("http", appended.status);
  if (outcome === undefined) {
    return answerAgain(event, appended.position, { call, name, deps });
  }
  if (outcome.error !== null) throw failure(name, invocationId, outcome.error);
  if (outcome.outputBytes > outcome.output.length) throw tooLong(name, invocationId);
  return withInvocation(replyOf(outcome.output), invocationId);
}

// The same idempotency key again: the first run's answer, from its record. It may not be there yet.
async function answerAgain(
  event: NewEvent,
  position: number,
  { call, name, deps }: { readonly call: Call; readonly name: string; readonly deps: AppDeps },
): Promise<HttpReply> {
  const records = await deps.log.invocations.ofEvent(position);
  const first = records.find((one) => one.function === name && one.trigger === "http");
  if (first === undefined) {
    return done(202, acceptedJson(event, { status: "duplicate", position }, call.trace.traceId));
  }
  if (first.error !== null) throw failure(name, first.id, first.error);
  if (first.output_truncated) throw tooLong(name, first.id);
  return withInvocation(replyOf(outputBytes(first)), first.id);
}

function outputBytes({ output, output_encoding }: Invocation): Uint8Array {
  return Buffer.from(output, output_encoding === "base64" ? "base64" : "utf8");
}

function withInvocation(reply: HttpReply, id: string): HttpReply {
  return { ...reply, headers: { ...reply.headers, [INVOCATION_ID]: id } };
}

// Without the guest's words: whoever calls may be a stranger. The record has them.
function failure(name: string, invocationId: string, { code }: InvocationError): NexusError {
  return new NexusError(
    ANSWERED_AS[code] ?? code,
    `Cannot answer: function "${name}" did not succeed; invocation ${invocationId} has the record`,
    { details: { headers: { [INVOCATION_ID]: invocationId } } },
  );
}

/** A record's code where another one fits the caller better. */
const ANSWERED_AS: Partial<Record<ErrorCode, ErrorCode>> = { MODULE_INVALID: "FUNCTION_TRAPPED" };

function tooLong(name: string, invocationId: string): NexusError {
  return new NexusError(
    "FUNCTION_OUTPUT_INVALID",
    `Cannot answer: function "${name}" wrote more than its output limit; invocation ${invocationId} has the record`,
    { details: { headers: { [INVOCATION_ID]: invocationId } } },
  );
}

async function requestEvent(call: Call, name: string, deps: AppDeps): Promise<NewEvent> {
  const { request } = call;
  const now = deps.now();
  const data = {
    method: request.method,
    path: request.path,
    params: call.params,
    query: queryOf(request.query),
    headers: request.headers,
    ...(await bodyOf(request, deps.settings().eventBytes)),
  };
  const event = createEvent(
    {
      id: request.headers["idempotency-key"] ?? uuidv7(now.getTime()),
      source: `/nexus/http/${name}`,
      type: HTTP_EVENT,
      time: now.toISOString(),
      datacontenttype: "application/json",
    },
    { kind: "json", text: JSON.stringify(data) },
  );
  return { event, meta: { traceparent: call.traceparent, depth: 0, target: name } };
}

async function bodyOf(
  request: HttpRequest,
  maxBytes: number,
): Promise<{ readonly body: string } | { readonly body_base64: string } | undefined> {
  const bytes = await request.body(maxBytes);
  if (bytes.length === 0) return undefined;
  const text = readText(bytes, request.headers["content-type"]);
  if (text !== undefined) return { body: text };
  const { buffer, byteOffset, byteLength } = bytes;
  return { body_base64: Buffer.from(buffer, byteOffset, byteLength).toString("base64") };
}

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
