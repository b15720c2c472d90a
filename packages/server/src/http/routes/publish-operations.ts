import { BATCH, STRUCTURED } from "../../core/content.ts";
import { json, type Operation } from "../operation.ts";

const WAIT = {
  wait: {
    description:
      "Wait up to so long (at most `5m`) until every matching function has finished: 200 then, 202 if time runs out first. The runs of a duplicate are shown where the token is of scope `read` as well.",
    example: "5s",
  },
};

const EXAMPLE = {
  specversion: "1.0",
  id: "A-42",
  source: "/shop",
  type: "com.example.order.placed",
  datacontenttype: "application/json",
  data: { order: 42 },
};

export const PUBLISH: Operation = {
  id: "publish",
  tag: "Events",
  summary: "Publish CloudEvents",
  description:
    "The HTTP binding of CloudEvents 1.0 in its three modes: structured, batch (all events or none), and binary, where attributes are `ce-*` headers and the body is the data. An event whose `source` and `id` the log holds already is a `duplicate` and runs nobody.",
  query: WAIT,
  headers: {
    "ce-specversion": { description: "Binary mode: `1.0`." },
    "ce-id": { description: "Binary mode: the event's id. Other attributes likewise." },
  },
  body: {
    required: true,
    content: {
      [STRUCTURED]: { schema: "CloudEvent", example: EXAMPLE },
      [BATCH]: { schema: "CloudEvents", example: [EXAMPLE] },
      "*/*": {},
    },
  },
  answers: {
    200: {
      description: "Durable, and with `wait` every matching function has finished.",
      content: { "application/json": { schema: "AcceptedAny" } },
    },
    202: {
      description: "Durable: it survives a power cut. A batch answers with `events`.",
      content: { "application/json": { schema: "AcceptedAny" } },
    },
  },
  problems: [
    ...(["EVENT_INVALID", "BODY_INVALID", "REQUEST_INVALID", "EVENT_TOO_LARGE"] as const),
    ...(["MEDIA_TYPE_UNSUPPORTED", "LOG_UNAVAILABLE", "LOG_FULL", "SHUTTING_DOWN"] as const),
  ],
};

export const PUBLISH_PLAIN: Operation = {
  id: "publishPlain",
  tag: "Events",
  summary: "Publish a plain body",
  description:
    "The server makes the CloudEvent. JSON stays JSON, text becomes a string, everything else `data_base64`; without a content type the body is JSON if it is JSON, else text if it is UTF-8, else binary. Headers `ce-id`, `ce-source` (default `/events`), `ce-subject`, `ce-time` and extensions are taken over; `idempotency-key` is the id where `ce-id` is absent.",
  params: { type: "The event's type." },
  query: WAIT,
  headers: {
    "idempotency-key": { description: "The event's id: the same request twice is one event." },
  },
  body: {
    required: false,
    content: { "application/json": { example: { order: 42 } }, "*/*": {} },
  },
  answers: {
    200: {
      description: "Durable, and with `wait` every matching function has finished.",
      content: json("Accepted"),
    },
    202: { description: "Durable: it survives a power cut.", content: json("Accepted") },
  },
  problems: PUBLISH.problems,
};
