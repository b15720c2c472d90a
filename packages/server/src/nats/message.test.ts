import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { headers as newHeaders, MsgHdrsImpl } from "@nats-io/transport-node";
import fc from "fast-check";
import { createEvent } from "../core/cloudevents.ts";
import { NexusError } from "../core/errors.ts";
import { eventValue, type NexusEvent } from "../core/event.ts";
import { readHeaders } from "./headers.ts";
import { readEvents } from "./message.ts";

const STORED_AT = new Date("2026-01-31T12:00:00.000Z");
const LIMIT = 64 * 1024;
const BINARY = {
  "ce-specversion": "1.0",
  "ce-id": "1",
  "ce-source": "/shop",
  "ce-type": "order.placed",
};
const EVENT = { specversion: "1.0", id: "1", source: "/shop", type: "order.placed" };

/** As the message comes out of the client: its headers once over the wire. */
function read(headers: Readonly<Record<string, string>>, payload: string | Uint8Array) {
  const given = newHeaders() as MsgHdrsImpl;
  for (const [name, value] of Object.entries(headers)) given.append(name, value);
  return readWire(given.encode(), payload);
}

function readWire(wire: Uint8Array, payload: string | Uint8Array): readonly NexusEvent[] {
  return readEvents(
    {
      subject: "nexus.in.orders.placed",
      type: "orders.placed",
      headers: readHeaders({ headers: MsgHdrsImpl.decode(wire) }),
      payload: Buffer.from(payload as string),
      id: "7-1000",
      storedAt: STORED_AT,
    },
    LIMIT,
  );
}

function one(events: readonly NexusEvent[]): Readonly<Record<string, unknown>> {
  assert.equal(events.length, 1);
  return eventValue(events[0]!);
}

describe("readEvents()", () => {
  for (const type of [
    "application/cloudevents+json",
    "Application/CloudEvents+JSON; charset=UTF-8",
    "application/cloudevents",
    undefined,
  ]) {
    test(`takes a structured event of content type ${type}, and keeps it byte for byte`, () => {
      const json = ` {"specversion" : "1.0","id":"1","source":"/s","type":"t","time":"2026-01-01T00:00:00Z","data":{"ü":1.0}}`;
      const headers: Record<string, string> = type === undefined ? {} : { "Content-Type": type };
      const [event] = read(headers, json);
      assert.equal(Buffer.from(event!.json).toString(), json);
    });
  }

  test("gives an event without a time the time of its message, each time it is delivered", () => {
    assert.equal(one(read({}, JSON.stringify(EVENT)))["time"], STORED_AT.toISOString());
    assert.equal(one(read(BINARY, "1"))["time"], STORED_AT.toISOString());
    assert.equal(one(read({}, "1"))["time"], STORED_AT.toISOString());
  });

  test("takes a batch as a whole", () => {
    const type = { "content-type": "application/cloudevents-batch+json" };
    const events = read(type, JSON.stringify([EVENT, { ...EVENT, id: "2" }]));
    assert.deepEqual(
      events.map(({ id }) => id),
      ["1", "2"],
    );
    assert.deepEqual(read(type, "[]"), []);
  });

  test("takes binary mode: header names in any case, percent-encoded and quoted values", () => {
    const event = one(
      read(
        {
          "CE-SpecVersion": "1.0",
          "Ce-Id": "Euro%20%E2%82%AC%20%f0%9f%98%80",
          "ce-source": "/shop",
          "ce-type": "order.placed",
          "ce-subject": '"quoted \\" %22"',
          "ce-tenant": "100%25",
          "ce-raw": "nicht kodiert: ü",
          "ce-datacontenttype": "text/plain",
        },
        "hé",
      ),
    );
    assert.deepEqual(event, {
      ...EVENT,
      id: "Euro € 😀",
      time: STORED_AT.toISOString(),
      subject: 'quoted " "',
      datacontenttype: "text/plain",
      tenant: "100%",
      raw: "nicht kodiert: ü",
      data: "hé",
    });
  });

  test("takes the content type header where binary mode has no ce-datacontenttype", () => {
    const type = { "Content-Type": "application/json" };
    assert.deepEqual(one(read({ ...BINARY, ...type }, '{"specversion":"no"}'))["data"], {
      specversion: "no",
    });
    const both = { ...BINARY, ...type, "ce-datacontenttype": "image/png" };
    assert.equal(one(read(both, "{}"))["data_base64"], "e30=");
  });

  const PLAIN: readonly (readonly [
    headers: Readonly<Record<string, string>>,
    payload: string | Uint8Array,
    expected: object,
  ])[] = [
    [{}, '{"a":1}', { data: { a: 1 }, datacontenttype: "application/json" }],
    [{}, "hello", { data: "hello", datacontenttype: "text/plain" }],
    [{}, Uint8Array.of(255), { data_base64: "/w==" }],
    [{}, "", {}],
    [
      { "content-type": "application/json" },
      JSON.stringify(EVENT),
      { data: EVENT, datacontenttype: "application/json" },
    ],
    [{ "content-type": "text/plain" }, "{", { data: "{", datacontenttype: "text/plain" }],
    [{ "ce-subject": "s", "ce-tenant": "t" }, "", { subject: "s", tenant: "t" }],
    [{ "Nats-Msg-Id": "mine" }, "", { id: "mine" }],
  ];
  for (const [headers, payload, expected] of PLAIN) {
    test(`makes an event of the subject's type of ${JSON.stringify(headers)} ${String(payload)}`, () => {
      assert.deepEqual(one(read(headers, payload)), {
        specversion: "1.0",
        id: "7-1000",
        source: "/nats",
        type: "orders.placed",
        time: STORED_AT.toISOString(),
        ...expected,
      });
    });
  }

  const STRUCTURED = { "content-type": "application/cloudevents+json" };
  const WRONG: readonly (readonly [
    what: string,
    headers: Readonly<Record<string, string>>,
    payload: string | Uint8Array,
    code: string,
    reason: RegExp,
  ])[] = [
    [
      "too large",
      {},
      "a".repeat(LIMIT + 1),
      "EVENT_TOO_LARGE",
      /65537 bytes and the limit is 65536$/,
    ],
    [
      "broken JSON",
      {},
      '{"specversion":"1.0",',
      "BODY_INVALID",
      /^Cannot read event: it is not JSON/,
    ],
    ["no JSON as structured", STRUCTURED, "hello", "BODY_INVALID", /it is not JSON/],
    ["no UTF-8 as structured", STRUCTURED, Uint8Array.of(255), "BODY_INVALID", /not valid UTF-8/],
    ["a list as structured", STRUCTURED, "[]", "EVENT_INVALID", /must be a JSON object/],
    [
      "no id",
      {},
      '{"specversion":"1.0"}',
      "EVENT_INVALID",
      /attribute "id" must be a non-empty string/,
    ],
    [
      "no id in headers",
      { "ce-specversion": "1.0", "ce-type": "a" },
      "",
      "EVENT_INVALID",
      /attribute "id"/,
    ],
    ["no specversion", { "ce-id": "1" }, "", "EVENT_INVALID", /"specversion" must be "1.0"$/],
    [
      "an old specversion",
      { ...BINARY, "ce-specversion": "0.3" },
      "",
      "EVENT_INVALID",
      /not "0.3"$/,
    ],
    [
      "a bad time",
      { ...BINARY, "ce-time": "now" },
      "",
      "EVENT_INVALID",
      /"time" must be a timestamp/,
    ],
    [
      "a bad source",
      { ...BINARY, "ce-source": "a%20b" },
      "",
      "EVENT_INVALID",
      /"source" must be a URI/,
    ],
    [
      "an empty attribute",
      { ...BINARY, "ce-subject": "" },
      "",
      "EVENT_INVALID",
      /"subject" must be/,
    ],
    ["a bad name", { ...BINARY, "ce-a_b": "1" }, "", "EVENT_INVALID", /attribute name "a_b"/],
    ["__proto__", { ...BINARY, "ce-__proto__": "1" }, "", "EVENT_INVALID", /"ce-__proto__"/],
    ["data as attribute", { ...BINARY, "ce-data": "1" }, "", "EVENT_INVALID", /name "data"/],
    [
      "overlong UTF-8",
      { ...BINARY, "ce-a": "%C0%A0" },
      "",
      "EVENT_INVALID",
      /"ce-a" must be percent-encoded/,
    ],
    [
      "a bad type",
      { ...BINARY, "ce-datacontenttype": "json" },
      "",
      "EVENT_INVALID",
      /"datacontenttype" must be a media type/,
    ],
    [
      "no JSON as JSON",
      { "content-type": "application/json" },
      "{",
      "BODY_INVALID",
      /^Cannot read body: it is not JSON/,
    ],
    [
      "an unknown charset",
      { "content-type": "text/plain; charset=x" },
      "a",
      "MEDIA_TYPE_UNSUPPORTED",
      /charset "x"/,
    ],
    [
      "another format",
      { "content-type": "application/cloudevents+avro" },
      "",
      "MEDIA_TYPE_UNSUPPORTED",
      /"application\/cloudevents\+avro" is neither/,
    ],
    [
      "the platform's type",
      { ...BINARY, "ce-type": "nexus.cron.tick" },
      "",
      "EVENT_INVALID",
      /must not begin with "nexus\."/,
    ],
    [
      "one bad of a batch",
      { "content-type": "application/cloudevents-batch+json" },
      JSON.stringify([EVENT, 1]),
      "EVENT_INVALID",
      /^Cannot parse event 2 of 2/,
    ],
  ];
  for (const [what, headers, payload, code, reason] of WRONG) {
    test(`refuses ${what}`, () => {
      assert.throws(() => read(headers, payload), isRefusal(code, reason));
    });
  }

  test("refuses an attribute that is there twice, and one that is no UTF-8", () => {
    const lines = Object.entries(BINARY).map(([name, value]) => `${name}: ${value}`);
    const wire = (...more: readonly (string | Buffer)[]) =>
      Buffer.concat([
        Buffer.from(["NATS/1.0", ...lines].join("\r\n")),
        ...more.flatMap((line) => [Buffer.from("\r\n"), Buffer.from(line)]),
        Buffer.from("\r\n\r\n"),
      ]);
    assert.equal(readWire(wire(), "").length, 1);
    const twice = isRefusal("EVENT_INVALID", /header "ce-id" must be there once$/);
    assert.throws(() => readWire(wire("ce-id: 2"), ""), twice);
    assert.throws(() => readWire(wire("CE-ID: 2"), ""), twice);
    const latin1 = Buffer.from("ce-a: \xe9", "latin1");
    const encoding = isRefusal("EVENT_INVALID", /header "ce-a" must be percent-encoded UTF-8$/);
    assert.throws(() => readWire(wire(latin1), ""), encoding);
  });

  test("gives back the event that somebody put into headers, whatever is in it", () => {
    const text = fc
      .string({ unit: "grapheme", minLength: 1 })
      .filter((value) => !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(value));
    const name = fc.stringMatching(/^[a-z0-9]{1,20}$/).filter((value) => !KNOWN.has(value));
    const attributes = fc.record(
      {
        id: text,
        source: fc.webPath().map((path) => `/s${path}`),
        type: text.filter((value) => !value.startsWith("nexus.")),
        subject: text,
        dataschema: fc.webUrl(),
        extensions: fc.dictionary(name, text),
      },
      { requiredKeys: ["id", "source", "type"] },
    );
    const data = fc.oneof(
      fc
        .json()
        .map((json) => ({ type: "application/json", data: { kind: "json" as const, text: json } })),
      fc.string({ unit: "grapheme", minLength: 1 }).map((value) => ({
        type: "text/plain",
        data: { kind: "text" as const, text: value },
      })),
      fc.uint8Array({ minLength: 1 }).map((bytes) => ({
        type: "application/octet-stream",
        data: { kind: "binary" as const, bytes },
      })),
    );
    fc.assert(
      fc.property(attributes, data, (given, { type, data }) => {
        const event = createEvent(
          { ...given, time: "2026-01-01T00:00:00Z", datacontenttype: type },
          data,
        );
        const [back] = read(asHeaders(event), data.kind === "binary" ? data.bytes : data.text);
        assert.deepEqual(eventValue(back!), eventValue(event));
      }),
      { numRuns: 300 },
    );
  });
});

const KNOWN = new Set([
  "specversion",
  "id",
  "source",
  "type",
  "time",
  "subject",
  "datacontenttype",
  "dataschema",
  "data",
  "extensions",
  "json",
]);

/** As a client that keeps to the binding writes them. */
function asHeaders(event: NexusEvent): Record<string, string> {
  const { data: _data, data_base64: _bytes, ...attributes } = eventValue(event);
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [`ce-${name}`, encoded(value as string)]),
  );
}

function encoded(value: string): string {
  return value.replaceAll(/[^\x21\x23-\x24\x26-\x7e]/gu, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
}

function isRefusal(code: string, message: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof NexusError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}
