import type { Headers } from "../core/ce-headers.ts";
import { createEvent } from "../core/cloudevents.ts";
import type { ErrorCode, NexusError } from "../core/errors.ts";
import { eventValue, type NewEvent, type NexusEvent } from "../core/event.ts";
import type { InvocationError } from "../core/invocation.ts";
import type { InboxMessage } from "./message.ts";

/** A message of the inbox that is no event. */
export const REJECTED_EVENT = "nexus.event.rejected";

/**
 * Whom such an event is addressed to: the inbox itself, under a name that no function can have. So it has
 * a place in the log, its dead letters are kept like a function's, and a redrive checks the message again.
 */
export const INBOX = "nexus_inbox";

const SOURCE = "/nexus/nats/inbox";

/** Of payload and headers each; what is over is cut: a message may be refused for its size. */
const MAX_KEPT_BYTES = 64 * 1024;

interface RejectedData {
  readonly subject: string;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly headers: Headers;
  readonly payload_base64: string;
  /** Of the whole payload. */
  readonly payload_bytes: number;
  /** Whether all of the message is here. */
  readonly complete: boolean;
}

/** `headers`: undefined where they could not be read. */
export type RejectedMessage = Omit<InboxMessage, "headers"> & {
  readonly headers: Headers | undefined;
};

/** The event that keeps a message with the reason; the same one each time the message is delivered. */
export function rejectedEvent(
  { subject, headers, payload, id, storedAt }: RejectedMessage,
  { code, message }: NexusError,
  traceparent: string,
): NewEvent {
  const kept = payload.subarray(0, MAX_KEPT_BYTES);
  const keepsHeaders =
    headers !== undefined && Buffer.byteLength(JSON.stringify(headers)) <= MAX_KEPT_BYTES;
  const data: RejectedData = {
    subject,
    code,
    reason: message,
    headers: keepsHeaders ? headers : {},
    payload_base64: Buffer.from(kept).toString("base64"),
    payload_bytes: payload.length,
    complete: keepsHeaders && kept.length === payload.length,
  };
  const event = createEvent(
    {
      id,
      source: SOURCE,
      type: REJECTED_EVENT,
      time: storedAt.toISOString(),
      datacontenttype: "application/json",
    },
    { kind: "json", text: JSON.stringify(data) },
  );
  return { event, meta: { traceparent, depth: 0, target: INBOX } };
}

/** What such an event holds: why, and the message, where all of it was kept. */
export function rejectedMessage(
  event: NexusEvent,
  inboxSubject: string,
): { readonly error: InvocationError; readonly message: InboxMessage | undefined } {
  const { data } = eventValue(event) as { readonly data: RejectedData };
  const { subject, code, reason, headers, payload_base64: base64, complete } = data;
  const error = { code, message: reason };
  if (!complete) return { error, message: undefined };
  const message = {
    subject,
    type: subject.slice(inboxSubject.length),
    headers,
    payload: Buffer.from(base64, "base64"),
    id: event.id,
    storedAt: new Date(event.time),
  };
  return { error, message };
}
