import { headers as newHeaders, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { functionFailed, INVOCATION_ID, outputTooLong } from "../core/answer.ts";
import { createEvent } from "../core/cloudevents.ts";
import { readContent } from "../core/content.ts";
import { NexusError } from "../core/errors.ts";
import type { NewEvent } from "../core/event.ts";
import { uuidv7 } from "../core/ids.ts";
import { NATS_EVENT } from "../core/pattern.ts";
import type { PlatformSettings } from "../core/settings.ts";
import { isoTime } from "../core/time.ts";
import type { Dispatch } from "../dispatch/dispatch.ts";
import type { EventLog } from "../log/log.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { headersOrNone } from "./headers.ts";
import { received } from "./received.ts";
import { tell } from "./tell.ts";

export interface RawDeps {
  readonly connection: NatsConnection;
  readonly log: EventLog;
  readonly dispatch: Dispatch;
  readonly telemetry: Telemetry;
  readonly settings: () => PlatformSettings;
  readonly now: () => number;
}

/** A reply's headers take less. */
const HEADER_BYTES = 128;

/** A message of an `on.nats` subject. */
export interface Raw {
  readonly message: Msg;
  /** The function it is for. */
  readonly name: string;
}

/**
 * Takes one message of an `on.nats` subject. One with a reply subject is a call: the function's
 * output is the reply. One without is accepted, and the function runs afterwards. Never rejects for what
 * the message or the function did: who asked is told, and the log has a line.
 */
export async function takeRaw(raw: Raw, deps: RawDeps): Promise<void> {
  const { message, name } = raw;
  const { logger, meter, tracer } = deps.telemetry;
  const { subject } = message;
  const span = received(headersOrNone(message), tracer);
  try {
    const event = rawEvent(raw, span.traceparent, deps);
    if (message.reply) await respond(raw, event, deps);
    else await accept(event, deps);
    span.end(subject);
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    refuse(message, error, deps);
    meter.eventRejected(error.code);
    logger.warn("A NATS message was not taken, or its call has no answer", {
      subject,
      function: name,
      code: error.code,
      error: error.message,
    });
    span.end(subject, error.message);
  }
}

/** Answers with the error, as NATS services do, where an answer is waited for. */
export function refuse(
  message: Msg,
  { code, message: reason, facts, details }: NexusError,
  { connection }: Pick<RawDeps, "connection">,
): void {
  if (!message.reply) return;
  const reply = newHeaders();
  reply.set("Nats-Service-Error", reason);
  reply.set("Nats-Service-Error-Code", String(facts.status));
  reply.set("Nexus-Error-Code", code);
  for (const [name, value] of Object.entries(
    (details["headers"] ?? {}) as Record<string, string>,
  )) {
    reply.set(name, value);
  }
  tell(connection, () => message.respond(undefined, { headers: reply }));
}

async function accept(event: NewEvent, { log, telemetry: { meter } }: RawDeps): Promise<void> {
  const begun = performance.now();
  const [appended] = await log.append([event]);
  meter.appendDuration(performance.now() - begun);
  meter.eventAccepted("nats", appended!.status);
}

async function respond({ message, name }: Raw, event: NewEvent, deps: RawDeps): Promise<void> {
  const { dispatch, telemetry, connection } = deps;
  const { appended, invocationId, outcome } = await dispatch.call(event, name);
  telemetry.meter.eventAccepted("nats", appended.status);
  if (outcome === undefined) throw new Error(`The new event ${event.event.id} was a duplicate`);
  if (outcome.error !== null) throw functionFailed(name, invocationId, outcome.error.code);
  const { output } = outcome;
  if (outcome.outputBytes > output.length) throw outputTooLong(name, invocationId);
  const reply = newHeaders();
  reply.set(INVOCATION_ID, invocationId);
  const most = connection.info?.max_payload ?? Infinity;
  if (output.length + HEADER_BYTES > most) {
    throw outputTooLong(name, invocationId, `NATS carries (max_payload, ${most} bytes)`);
  }
  tell(connection, () => message.respond(output, { headers: reply }));
}

function rawEvent({ message, name }: Raw, traceparent: string, deps: RawDeps): NewEvent {
  const { eventBytes } = deps.settings();
  const { data: payload, subject } = message;
  if (payload.length > eventBytes) {
    throw new NexusError(
      "EVENT_TOO_LARGE",
      `Cannot read message: it has ${payload.length} bytes and the limit is ${eventBytes}`,
    );
  }
  const nowMs = deps.now();
  const { datacontenttype, data } = readContent(payload, undefined);
  const event = createEvent(
    {
      id: uuidv7(nowMs),
      source: `/nexus/nats/${name}`,
      type: NATS_EVENT,
      time: isoTime(nowMs),
      subject,
      ...(datacontenttype === undefined ? {} : { datacontenttype }),
    },
    data,
  );
  return { event, meta: { traceparent, depth: 0, target: name }, freshId: true };
}
