import type { JsMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { setTimeout as delay } from "node:timers/promises";
import type { Headers } from "../core/ce-headers.ts";
import { NexusError } from "../core/errors.ts";
import type { NewEvent } from "../core/event.ts";
import type { PlatformSettings } from "../core/settings.ts";
import type { EventLog } from "../log/log.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { headersOrNone, readHeaders } from "./headers.ts";
import { InFlight } from "./in-flight.ts";
import { inboxSubject, openInbox, type InboxSettings } from "./inbox.ts";
import { readEvents } from "./message.ts";
import { received } from "./received.ts";
import { rejectedEvent } from "./rejected.ts";
import { tell } from "./tell.ts";

export interface IngressDeps {
  readonly connection: NatsConnection;
  readonly inbox: InboxSettings;
  readonly log: EventLog;
  readonly telemetry: Telemetry;
  readonly settings: () => PlatformSettings;
}

/** Messages fetched ahead; each may be as large as NATS lets it be. */
const MAX_AHEAD = 64;
const MAX_IN_FLIGHT = 256;

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5000;
const REOPEN_MS = 1000;
/** How long a request for messages lives. Half of it without a word, twice, and the inbox is looked for again. */
const REQUEST_MS = 10_000;

/**
 * Takes what is published to the inbox into the log until `signal` aborts or the connection is closed for good. A
 * message leaves the inbox when its events are kept, or when it is kept as rejected with the reason; as
 * long as the log takes neither, it comes again. Resolves when what was begun is done.
 */
export async function runIngress(deps: IngressDeps, signal: AbortSignal): Promise<void> {
  const { connection, inbox, telemetry } = deps;
  while (!signal.aborted && !connection.isClosed()) {
    const error = await takeAll(deps, signal);
    if (error === undefined || signal.aborted || connection.isClosed()) continue;
    telemetry.logger.error("Cannot read the inbox: trying again", {
      prefix: inbox.prefix,
      error: error.message,
    });
    await delay(REOPEN_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Resolves with what ended it, where that was an error. */
async function takeAll(deps: IngressDeps, signal: AbortSignal): Promise<Error | undefined> {
  const inFlight = new InFlight(MAX_IN_FLIGHT);
  try {
    const consumer = await openInbox(deps.connection, deps.inbox);
    if (signal.aborted) return undefined;
    const messages = await consumer.consume({
      max_messages: MAX_AHEAD,
      expires: REQUEST_MS,
      abort_on_missing_resource: true,
    });
    // What was fetched ahead is still given out after this.
    const onAbort = () => messages.stop();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      if (signal.aborted) onAbort();
      for await (const message of messages) {
        inFlight.add(take(message, deps));
        await inFlight.room();
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    return undefined;
  } catch (error) {
    return error as Error; // the NATS client's: `take` is not awaited here
  } finally {
    await inFlight.none();
  }
}

async function take(delivered: JsMsg, deps: IngressDeps): Promise<void> {
  const { logger, meter, tracer } = deps.telemetry;
  const { subject } = delivered;
  const span = received(headersOrNone(delivered), tracer);
  try {
    const refusal = await keep(delivered, span.traceparent, deps);
    if (refusal !== undefined) {
      meter.eventRejected(refusal.code);
      logger.warn("A message of the inbox is no event: kept among the dead letters", {
        subject,
        code: refusal.code,
        error: refusal.message,
      });
    }
    tell(deps.connection, () => delivered.ack());
    span.end(subject, refusal?.message);
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    logger.warn("Cannot keep a message of the inbox: it comes again", {
      subject,
      code: error.code,
      error: error.message,
    });
    tell(deps.connection, () => delivered.nak(retryMs(delivered.info.deliveryCount)));
    span.end(subject, error.message);
  }
}

/** Keeps the message's events, or the message as rejected: resolves with why. Rejects as the log does. */
async function keep(
  delivered: JsMsg,
  traceparent: string,
  { inbox, log, telemetry: { meter }, settings }: IngressDeps,
): Promise<NexusError | undefined> {
  const { subject, data, info } = delivered;
  const message = {
    subject,
    type: subject.slice(inboxSubject(inbox.prefix).length),
    payload: data,
    // The time too: a stream that was deleted and made again counts from 1.
    id: `${info.streamSequence}-${delivered.timestampNanos}`,
    storedAt: delivered.time,
  };
  let headers: Headers | undefined;
  try {
    headers = readHeaders(delivered);
    const events = readEvents({ ...message, headers }, settings().eventBytes);
    const begun = performance.now();
    // Each message by itself: one that cannot be kept holds up no other, and what is appended at the
    // same time shares a commit all the same.
    const appended = await log.append(
      events.map((event): NewEvent => ({ event, meta: { traceparent, depth: 0 } })),
    );
    meter.appendDuration(performance.now() - begun);
    for (const { status } of appended) meter.eventAccepted("nats", status);
    return undefined;
  } catch (error) {
    if (!(error instanceof NexusError) || error.facts.retry) throw error;
    await log.append([rejectedEvent({ ...message, headers }, error, traceparent)]);
    return error;
  }
}

function retryMs(deliveries: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (deliveries - 1), MAX_RETRY_MS);
}
