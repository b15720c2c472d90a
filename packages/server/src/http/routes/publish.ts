import { isMediaType } from "../../core/attributes.ts";
import { binaryEvent, ceAttributes, refusePlatformType } from "../../core/ce-headers.ts";
import { parseBatch, parseStructured } from "../../core/cloudevents.ts";
import { BATCH, eventFormat, readContent, STRUCTURED, type Content } from "../../core/content.ts";
import { NexusError } from "../../core/errors.ts";
import type { NewEvent, NexusEvent } from "../../core/event.ts";
import { uuidv7 } from "../../core/ids.ts";
import { isoTime } from "../../core/time.ts";
import type { HttpReply } from "../http.ts";
import { readWait } from "../query.ts";
import { done } from "../reply.ts";
import type { AppDeps, Call, Route } from "../route.ts";
import { accept, type Acceptance } from "../accept.ts";
import { PUBLISH, PUBLISH_PLAIN } from "./publish-operations.ts";

/** The source of an event that comes as a plain body and names none. */
const PLAIN_SOURCE = "/events";

/** The calls that take events in. */
export function publishRoutes(deps: AppDeps): readonly Route[] {
  const plain = (call: Call) => publishPlain(call, deps);
  return [
    {
      method: "POST",
      path: "/events",
      scope: "publish",
      ingests: true,
      operation: PUBLISH,
      handle: (call) => publish(call, deps),
    },
    {
      method: "POST",
      path: "/events/:type",
      scope: "publish",
      ingests: true,
      operation: PUBLISH_PLAIN,
      handle: plain,
    },
    {
      method: "POST",
      path: "/webhook/:type",
      scope: "publish",
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
    mode === "structured" ? parseStructured(body, deps.now()) : headerEvent(body, call, deps.now());
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
  const format = eventFormat(contentType);
  if (format === undefined) {
    const { "ce-specversion": version, "ce-id": id } = headers;
    if (version !== undefined || id !== undefined) return "binary";
  } else if (format !== "unknown") {
    return format;
  }
  throw new NexusError(
    "MEDIA_TYPE_UNSUPPORTED",
    `Cannot read event: content type ${JSON.stringify(contentType.slice(0, 100))} is neither ${STRUCTURED} nor ${BATCH} in UTF-8, and there are no ce-* headers; a plain body goes to POST /events/{type}`,
  );
}

function headerEvent(body: Uint8Array, { request: { headers } }: Call, now: Date): NexusEvent {
  const attributes = ceAttributes(headers, "latin1");
  refuseContentTypeHeader(attributes);
  return binaryEvent(attributes, { time: now.toISOString() }, contentOf(body, headers));
}

function contentOf(body: Uint8Array, headers: Call["request"]["headers"]): Content {
  const contentType = headers["content-type"] ?? "";
  if (contentType !== "" && !isMediaType(contentType)) {
    throw new NexusError(
      "REQUEST_INVALID",
      `Cannot read request: header "content-type" must be a media type (RFC 9110, section 8.3.1), not ${JSON.stringify(contentType.slice(0, 100))}`,
    );
  }
  return readContent(body, contentType);
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
  const type = params["type"]!;
  const given = ceAttributes(headers, "latin1");
  refuseContentTypeHeader(given);
  if (given["type"] !== undefined && given["type"] !== type) {
    throw new NexusError(
      "EVENT_INVALID",
      `Cannot parse event: header "ce-type" must be the type in the path, ${JSON.stringify(type)}, or be left out`,
    );
  }
  const ownId = given["id"] ?? headers["idempotency-key"];
  const defaults = {
    specversion: "1.0",
    id: ownId ?? uuidv7(nowMs),
    source: PLAIN_SOURCE,
    type,
    time: isoTime(nowMs),
  };
  const event = binaryEvent(given, defaults, contentOf(body, headers));
  return { event, freshId: ownId === undefined };
}

function fromOutside(event: NexusEvent, { traceparent }: Call): NewEvent {
  refusePlatformType(event);
  return { event, meta: { traceparent, depth: 0 } };
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
