import { charsetOf, readContent } from "../content.ts";
import { ceAttributes } from "../ce-headers.ts";
import { createEvent, parseBatch, parseStructured } from "../../core/cloudevents.ts";
import { NexusError } from "../../core/errors.ts";
import type { NewEvent, NexusEvent } from "../../core/event.ts";
import { uuidv7 } from "../../core/ids.ts";
import { RESERVED_PREFIX } from "../../core/pattern.ts";
import { isoTime } from "../../core/time.ts";
import type { HttpReply } from "../http.ts";
import { readWait } from "../query.ts";
import { done } from "../reply.ts";
import type { AppDeps, Call, Route } from "../route.ts";
import { accept, type Acceptance } from "../accept.ts";
import { BATCH, PUBLISH, PUBLISH_PLAIN, STRUCTURED } from "./publish-operations.ts";

const CLOUDEVENTS = "application/cloudevents";

/** The source of an event that comes as a plain body and names none. */
const PLAIN_SOURCE = "/events";

/** The calls that take events in. */
export function publishRoutes(deps: AppDeps): readonly Route[] {
  const plain = (call: Call) => publishPlain(call, deps);
  return [
    {
      method: "POST",
      path: "/events",
      ingests: true,
      operation: PUBLISH,
      handle: (call) => publish(call, deps),
    },
    {
      method: "POST",
      path: "/events/:type",
      ingests: true,
      operation: PUBLISH_PLAIN,
      handle: plain,
    },
    {
      method: "POST",
      path: "/webhook/:type",
      ingests: true,
      operation: { ...PUBLISH_PLAIN, id: "webhook", summary: "Publish a plain body (alias)" },
      handle: plain,
    },
  ];
}

async function publish(call: Call, deps: AppDeps): Promise<HttpReply> {
  const { headers, query } = call.request;
  const waitMs = readWait(query);
  const contentType = headers["content-type"] ?? "";
  const mode = modeOf(contentType, headers);
  const body = await bodyOf(call, deps);
  if (mode === "batch") {
    const events = parseBatch(body, deps.now());
    const incoming = events.map((event) => fromOutside(event, call));
    const accepted = await accept(incoming, waitMs, { call, deps });
    return done(status(accepted), `{"events":[${accepted.map(({ json }) => json).join(",")}]}`);
  }
  const event =
    mode === "structured" ? parseStructured(body, deps.now()) : binaryEvent(body, call, deps.now());
  return answer(await accept([fromOutside(event, call)], waitMs, { call, deps }));
}

function bodyOf({ request }: Call, deps: AppDeps): Promise<Uint8Array> {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    throw new NexusError(
      "MEDIA_TYPE_UNSUPPORTED",
      `Cannot read body: content encoding ${JSON.stringify(encoding.slice(0, 40))} is not understood; send it uncompressed`,
    );
  }
  return request.body(deps.settings().eventBytes);
}

type Mode = "structured" | "batch" | "binary";

/** How the request carries CloudEvents (HTTP binding, section 3): by content type, then by headers. */
function modeOf(contentType: string, headers: Call["request"]["headers"]): Mode {
  const essence = contentType.split(";", 1)[0]!.trim().toLowerCase();
  if (essence.startsWith(CLOUDEVENTS)) {
    const charset = charsetOf(contentType);
    const utf8 = charset === undefined || charset === "utf-8" || charset === "utf8";
    if (utf8 && essence === STRUCTURED) return "structured";
    if (utf8 && essence === BATCH) return "batch";
  } else if (headers["ce-specversion"] !== undefined || headers["ce-id"] !== undefined) {
    return "binary";
  }
  throw new NexusError(
    "MEDIA_TYPE_UNSUPPORTED",
    `Cannot read event: content type ${JSON.stringify(contentType.slice(0, 100))} is neither ${STRUCTURED} nor ${BATCH} in UTF-8, and there are no ce-* headers; a plain body goes to POST /events/{type}`,
  );
}

function binaryEvent(body: Uint8Array, call: Call, now: Date): NexusEvent {
  const { headers } = call.request;
  const { specversion, ...attributes } = ceAttributes(headers);
  if (specversion !== "1.0") throw wrongVersion(specversion);
  refuseContentTypeHeader(attributes);
  const { id, source, type, time, subject, dataschema, ...extensions } = attributes;
  const { datacontenttype, data } = readContent(body, headers["content-type"]);
  return createEvent(
    {
      // What is missing is refused there, with the words for it.
      id: id!,
      source: source!,
      type: type!,
      time: time ?? now.toISOString(),
      ...(subject === undefined ? {} : { subject }),
      ...(dataschema === undefined ? {} : { dataschema }),
      ...(datacontenttype === undefined ? {} : { datacontenttype }),
      extensions,
    },
    data,
  );
}

async function publishPlain(call: Call, deps: AppDeps): Promise<HttpReply> {
  const waitMs = readWait(call.request.query);
  const body = await bodyOf(call, deps);
  const plain = plainEvent(body, call, deps.now().getTime());
  const event = { ...fromOutside(plain.event, call), freshId: plain.freshId };
  return answer(await accept([event], waitMs, { call, deps }));
}

function plainEvent(
  body: Uint8Array,
  { request, params }: Call,
  nowMs: number,
): { readonly event: NexusEvent; readonly freshId: boolean } {
  const { headers } = request;
  const { specversion, type, ...given } = ceAttributes(headers);
  if (specversion !== undefined && specversion !== "1.0") throw wrongVersion(specversion);
  refuseContentTypeHeader(given);
  if (type !== undefined && type !== params["type"]) {
    throw new NexusError(
      "EVENT_INVALID",
      `Cannot parse event: header "ce-type" must be the type in the path, ${JSON.stringify(params["type"])}, or be left out`,
    );
  }
  const { id, source, time, subject, dataschema, ...extensions } = given;
  const { datacontenttype, data } = readContent(body, headers["content-type"]);
  const ownId = id ?? headers["idempotency-key"];
  const event = createEvent(
    {
      id: ownId ?? uuidv7(nowMs),
      source: source ?? PLAIN_SOURCE,
      type: params["type"]!,
      time: time ?? isoTime(nowMs),
      ...(subject === undefined ? {} : { subject }),
      ...(dataschema === undefined ? {} : { dataschema }),
      ...(datacontenttype === undefined ? {} : { datacontenttype }),
      extensions,
    },
    data,
  );
  return { event, freshId: ownId === undefined };
}

function fromOutside(event: NexusEvent, { traceparent }: Call): NewEvent {
  if (event.type.startsWith(RESERVED_PREFIX)) {
    throw new NexusError(
      "EVENT_INVALID",
      `Cannot accept event: attribute "type" must not begin with "${RESERVED_PREFIX}", which is the platform's own, not ${JSON.stringify(event.type.slice(0, 100))}`,
    );
  }
  return { event, meta: { traceparent, depth: 0 } };
}

function wrongVersion(given: string | undefined): NexusError {
  return new NexusError(
    "EVENT_INVALID",
    `Cannot parse event: attribute "specversion" must be "1.0"${given === undefined ? "" : `, not ${JSON.stringify(given.slice(0, 64))}`}`,
  );
}

// HTTP binding, section 3.1.1: that attribute is the header Content-Type, and no other.
function refuseContentTypeHeader(attributes: Readonly<Record<string, string>>): void {
  if (attributes["datacontenttype"] === undefined) return;
  throw new NexusError(
    "EVENT_INVALID",
    'Cannot parse event: header "ce-datacontenttype" must be left out; "content-type" says it',
  );
}

function answer(accepted: readonly Acceptance[]): HttpReply {
  return done(status(accepted), accepted[0]!.json);
}

function status(accepted: readonly Acceptance[]): number {
  return accepted.length > 0 && accepted.every(({ finished }) => finished) ? 200 : 202;
}
