import { isMediaType } from "../core/attributes.ts";
import { binaryEvent, ceAttributes, refusePlatformType, type Headers } from "../core/ce-headers.ts";
import { parseBatch, parseStructured } from "../core/cloudevents.ts";
import { BATCH, eventFormat, readContent, STRUCTURED, type Content } from "../core/content.ts";
import { NexusError } from "../core/errors.ts";
import type { NexusEvent } from "../core/event.ts";
import { readJson } from "../core/strict-json.ts";

/** A message in the inbox, as plain data. */
export interface InboxMessage {
  readonly subject: string;
  /** The subject without the inbox's own part in front. */
  readonly type: string;
  /** Lower-case names. */
  readonly headers: Headers;
  readonly payload: Uint8Array;
  /** No other message's, and the same each time this one is delivered. */
  readonly id: string;
  readonly storedAt: Date;
}

/** The source of an event that comes as a plain body and names none. */
const PLAIN_SOURCE = "/nats";

/**
 * The events that a message is: the same ones each time it is delivered. EVENT_TOO_LARGE,
 * EVENT_INVALID, BODY_INVALID or MEDIA_TYPE_UNSUPPORTED where it is none.
 */
export function readEvents(message: InboxMessage, maxBytes: number): readonly NexusEvent[] {
  const { payload, headers, storedAt } = message;
  if (payload.length > maxBytes) {
    throw new NexusError(
      "EVENT_TOO_LARGE",
      `Cannot read body: it has ${payload.length} bytes and the limit is ${maxBytes}`,
    );
  }
  const mode = modeOf(headers, payload);
  // Copies: the bytes lie in a buffer that holds whatever else the socket brought.
  const events =
    mode === "batch"
      ? parseBatch(new Uint8Array(payload), storedAt)
      : [
          mode === "structured"
            ? parseStructured(new Uint8Array(payload), storedAt)
            : headerEvent(message, mode),
        ];
  for (const event of events) refusePlatformType(event);
  return events;
}

type Mode = "structured" | "batch" | "binary" | "plain";

// The attributes that say: this is meant as an event.
const TELLING = ["ce-specversion", "ce-id", "ce-source", "ce-type"];

/**
 * How a message carries an event (NATS binding 1.0.3, section 3): by content type, then by headers. The
 * binding's version 1.0.2 knows no headers: all is structured there, and known by its `specversion`.
 */
function modeOf(headers: Headers, payload: Uint8Array): Mode {
  const contentType = headers["content-type"] ?? "";
  // The binding names the media type without a format, and has JSON only.
  if (contentType.trim().toLowerCase() === "application/cloudevents") return "structured";
  const format = eventFormat(contentType);
  if (format === "unknown") {
    throw new NexusError(
      "MEDIA_TYPE_UNSUPPORTED",
      `Cannot read event: content type ${JSON.stringify(contentType.slice(0, 100))} is neither ${STRUCTURED} nor ${BATCH} in UTF-8`,
    );
  }
  if (format !== undefined) return format;
  if (TELLING.some((name) => headers[name] !== undefined)) return "binary";
  return contentType === "" && looksStructured(payload) ? "structured" : "plain";
}

const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);
const BRACE = 0x7b;

// What begins as a JSON object and is none was hardly meant as text: BODY_INVALID.
function looksStructured(payload: Uint8Array): boolean {
  if (payload.find((byte) => !BLANKS.has(byte)) !== BRACE) return false;
  return Object.hasOwn(readJson(payload, "event").value as object, "specversion");
}

function headerEvent(message: InboxMessage, mode: "binary" | "plain"): NexusEvent {
  const { headers, payload, type, id, storedAt } = message;
  const { datacontenttype, ...attributes } = ceAttributes(headers, "utf8");
  const content = contentOf(payload, datacontenttype ?? headers["content-type"]);
  const time = storedAt.toISOString();
  if (mode === "binary") return binaryEvent(attributes, { time }, content);
  const plain = {
    specversion: "1.0",
    id: headers["nats-msg-id"] ?? id,
    source: PLAIN_SOURCE,
    type,
    time,
  };
  return binaryEvent(attributes, plain, content);
}

function contentOf(payload: Uint8Array, datacontenttype: string | undefined): Content {
  if (datacontenttype !== undefined && !isMediaType(datacontenttype)) {
    throw new NexusError(
      "EVENT_INVALID",
      `Cannot parse event: attribute "datacontenttype" must be a media type (RFC 2046, section 5), such as application/json, not ${JSON.stringify(datacontenttype.slice(0, 64))}`,
    );
  }
  return readContent(payload, datacontenttype);
}
