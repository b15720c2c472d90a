import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  createEvent,
  eventFromValue,
  parseBatch,
  parseStructured,
  type EventData,
} from "./cloudevents.ts";
import { NexusError, type ErrorCode } from "./errors.ts";
import { eventValue } from "./event.ts";

const NOW = new Date("2026-01-31T12:00:00.000Z");
const TIME = NOW.toISOString();
const MINIMAL = { specversion: "1.0", id: "1", source: "/shop", type: "order.placed" };

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function structured(members: object): Uint8Array {
  return utf8(JSON.stringify({ ...MINIMAL, ...members }));
}

function refusal(code: ErrorCode, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof NexusError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

describe("the rules of CloudEvents 1.0.2", () => {
  const wrong: readonly (readonly [members: object, message: RegExp])[] = [
    [{ id: undefined }, /^Cannot parse event: attribute "id" must be a non-empty string$/],
    [{ id: "" }, /"id" must be a non-empty string$/],
    [{ id: 7 }, /"id" must be a non-empty string, not 7$/],
    [{ id: null }, /"id" must be a non-empty string$/],
    [{ id: "a\u0000b" }, /"id" must be text without control characters/],
    [{ id: "a\u0085b" }, /"id" must be text without control characters/],
    [{ id: "\ud800" }, /"id" must be text without .* lone surrogates/],
    [{ id: "\uffff" }, /"id" must be text without .* noncharacters/],
    [{ source: undefined }, /"source" must be a non-empty string$/],
    [{ source: "" }, /"source" must be a non-empty string$/],
    [{ source: "a b" }, /"source" must be a URI-reference .*, not "a b"$/],
    [{ source: "1:x" }, /"source" must be a URI-reference/],
    [{ source: "/%zz" }, /"source" must be a URI-reference/],
    [{ source: "http://[::1" }, /"source" must be a URI-reference/],
    [{ type: undefined }, /"type" must be a non-empty string$/],
    [{ type: "" }, /"type" must be a non-empty string$/],
    [{ type: ["a"] }, /"type" must be a non-empty string, not an array$/],
    [{ specversion: undefined }, /"specversion" must be "1.0"$/],
    [{ specversion: "0.3" }, /"specversion" must be "1.0", not "0.3"$/],
    [{ specversion: 1 }, /"specversion" must be "1.0", not 1$/],
    [{ time: "yesterday" }, /"time" must be a timestamp \(RFC 3339\).*, not "yesterday"$/],
    [{ time: "2026-02-29T00:00:00Z" }, /"time" must be a timestamp/],
    [{ time: "2026-01-01T24:00:00Z" }, /"time" must be a timestamp/],
    [{ time: "2026-01-01T00:00:00" }, /"time" must be a timestamp/],
    [{ time: 1767225600 }, /"time" must be a non-empty string, not 1767225600$/],
    [{ subject: "" }, /"subject" must be a non-empty string$/],
    [{ datacontenttype: "json" }, /"datacontenttype" must be a media type .*, not "json"$/],
    [{ datacontenttype: "a/b; c" }, /"datacontenttype" must be a media type/],
    [{ dataschema: "/schemas/1" }, /"dataschema" must be an absolute URI/],
    [{ dataschema: "http://x/y#z" }, /"dataschema" must be an absolute URI/],
    [
      { Upper: "x" },
      /attribute name "Upper" must have lower-case letters \(a-z\) and digits only$/,
    ],
    [{ user_id: "x" }, /attribute name "user_id" must have/],
    [{ "": "x" }, /attribute name "" must have/],
    [{ ext: 1.5 }, /"ext" must be a whole number of 32 bits, not 1.5$/],
    [{ ext: 2 ** 31 }, /"ext" must be a whole number of 32 bits, not 2147483648$/],
    [{ ext: { a: 1 } }, /"ext" must be a string, a whole number .*, not an object$/],
    [{ ext: "\u0007" }, /"ext" must be text without control characters/],
    [{ data: 1, data_base64: "AAAA" }, /must not have both "data" and "data_base64"$/],
    [{ data_base64: "A" }, /"data_base64" must be Base64/],
    [{ data_base64: "AA-_" }, /"data_base64" must be Base64/],
    [{ data_base64: 7 }, /"data_base64" must be Base64/],
  ];
  for (const [members, message] of wrong) {
    test(`parseStructured() refuses ${JSON.stringify(members) === "{}" ? `no ${Object.keys(members)[0]}` : JSON.stringify(members)}`, () => {
      assert.throws(
        () => parseStructured(structured(members), NOW),
        refusal("EVENT_INVALID", message),
      );
    });
  }

  const right: readonly object[] = [
    { source: "https://user@example.com:8080/a/b?c=d#e" },
    { source: "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66" },
    { source: "mailto:cncf@example.com" },
    { source: "1-555-123-4567" },
    { source: "http://[2001:db8::1]:80/x" },
    { time: "2026-02-28T23:59:60.123456789+23:59" },
    { time: "2024-02-29t00:00:00z" },
    { subject: "ünïcode 😀" },
    { datacontenttype: 'text/plain; charset="utf-8"; x=y' },
    { dataschema: "http://example.com/schema?v=1" },
    { ext: -(2 ** 31), other: true, constructor: "x" },
    { thisnameislongerthantwentycharacters: "allowed, if not advised" },
    { subject: null, ext: null },
  ];
  for (const members of right) {
    test(`parseStructured() takes ${JSON.stringify(members)}`, () => {
      const event = parseStructured(structured(members), NOW);
      for (const [name, value] of Object.entries(members)) {
        const known = (event as unknown as Record<string, unknown>)[name];
        assert.equal(
          (Object.hasOwn(event, name) ? known : event.extensions[name]) ?? null,
          value === null ? null : value,
        );
      }
    });
  }
});

test("parseStructured() keeps the bytes of an event that has a time", () => {
  const bytes = utf8(
    `  {"specversion":"1.0", "id":"1", "source":"/s", "type":"t",\n "time":"${TIME}", "data": 12345678901234567890.10}\n`,
  );
  assert.equal(parseStructured(bytes, NOW).json, bytes);
});

test("parseStructured() adds a missing time and touches nothing else", () => {
  for (const time of ["", '"time":null,', '"ti\\u006de" : null ,']) {
    const bytes = utf8(
      `{${time}"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"n":1e400,"big":12345678901234567890}}`,
    );
    const event = parseStructured(bytes, NOW);
    assert.equal(event.time, TIME);
    assert.equal(
      new TextDecoder().decode(event.json),
      `{"time":"${TIME}","specversion":"1.0","id":"1","source":"/s","type":"t","data":{"n":1e400,"big":12345678901234567890}}`,
    );
  }
});

test("parseStructured() gives a frozen event", () => {
  const event = parseStructured(structured({ ext: "a" }), NOW);
  assert.ok(Object.isFrozen(event));
  assert.ok(Object.isFrozen(event.extensions));
});

test("parseStructured() refuses a member that is there twice, however it is written", () => {
  for (const second of ['"id":"2"', '"\\u0069d":"2"']) {
    const text = `{"specversion":"1.0","id":"1","source":"/s","type":"t",${second}}`;
    assert.throws(
      () => parseStructured(utf8(text), NOW),
      refusal("EVENT_INVALID", /a member is there twice$/),
    );
  }
});

test("parseStructured() keeps __proto__ and constructor in data, and lets them do no harm", () => {
  const data = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
  const bytes = utf8(`{"specversion":"1.0","id":"1","source":"/s","type":"t","data":${data}}`);
  const event = parseStructured(bytes, NOW);
  assert.ok(new TextDecoder().decode(event.json).includes(data));
  assert.equal(JSON.stringify(eventValue(event)["data"]), data);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  const emitted = eventFromValue(JSON.parse(new TextDecoder().decode(bytes)), { time: TIME });
  assert.ok(new TextDecoder().decode(emitted.json).includes(data));
  assert.throws(
    () => eventFromValue(JSON.parse('{"type":"t","__proto__":{"id":"x"}}'), { time: TIME }),
    refusal("EVENT_INVALID", /attribute "id" must be|attribute name "__proto__" must have/),
  );
});

test("parseStructured() refuses what is no JSON, no UTF-8, or too deep, as BODY_INVALID", () => {
  const deep = (levels: number) =>
    structured({}).length === 0
      ? utf8("")
      : utf8(
          `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":${"[".repeat(levels)}${"]".repeat(levels)}}`,
        );
  const bodies: readonly (readonly [Uint8Array, RegExp])[] = [
    [utf8(""), /^Cannot read event: it is not JSON/],
    [utf8("{"), /it is not JSON/],
    [utf8("\ufeff{}"), /it is not JSON/],
    [utf8("{'id':1}"), /it is not JSON \(line 1 column 2\)$/],
    [Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), /it is not valid UTF-8$/],
    [deep(256), /nested deeper than 256 levels$/],
    [deep(100_000), /nested deeper than 256 levels$/],
    [utf8("[".repeat(1_000_000)), /it is not JSON/],
  ];
  for (const [bytes, message] of bodies) {
    assert.throws(() => parseStructured(bytes, NOW), refusal("BODY_INVALID", message));
  }
  assert.equal(parseStructured(deep(255), NOW).id, "1");
  for (const text of ["[]", "null", "1", '"x"']) {
    assert.throws(
      () => parseStructured(utf8(text), NOW),
      refusal("EVENT_INVALID", /must be a JSON object$/),
    );
  }
});

test("parseBatch() gives every event its own bytes, and names the one that is wrong", () => {
  const one = JSON.stringify({ ...MINIMAL, time: TIME, data: { a: [1, "],{"] } });
  const two = JSON.stringify({ ...MINIMAL, id: "2", time: TIME });
  const [first, second] = parseBatch(utf8(`[ ${one} ,${two}]`), NOW);
  assert.equal(new TextDecoder().decode(first!.json).trim(), one);
  assert.equal(new TextDecoder().decode(second!.json), two);
  assert.deepEqual(parseBatch(utf8(" [ ] "), NOW), []);
  assert.throws(
    () => parseBatch(utf8(`[${one},{"id":"3"}]`), NOW),
    refusal("EVENT_INVALID", /^Cannot parse event 2 of 2 in the batch: attribute "specversion"/),
  );
  assert.throws(
    () => parseBatch(utf8(one), NOW),
    refusal("EVENT_INVALID", /must be a JSON array of events$/),
  );
});

test("eventFromValue() fills in what is missing, and checks the whole", () => {
  const event = eventFromValue(
    { type: "a", data: { n: 1 }, id: null },
    { id: "7", source: "/nexus", time: TIME },
  );
  assert.deepEqual(eventValue(event), {
    specversion: "1.0",
    id: "7",
    source: "/nexus",
    time: TIME,
    type: "a",
    data: { n: 1 },
  });
  assert.throws(
    () => eventFromValue({ type: "a" }, { time: TIME }),
    refusal("EVENT_INVALID", /"id" must be a non-empty string$/),
  );
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i += 1) deep = [deep];
  assert.throws(
    () => eventFromValue({ type: "a", data: deep }, { id: "1", source: "/", time: TIME }),
    refusal("EVENT_INVALID", /nested deeper than 256 levels$/),
  );
});

test("createEvent() refuses an extension with the name data", () => {
  assert.throws(
    () =>
      createEvent(
        { id: "1", source: "/s", type: "t", time: TIME, extensions: { data: "x" } },
        { kind: "none" },
      ),
    refusal("EVENT_INVALID", /no attribute may have the name "data"$/),
  );
});

const attributeText = fc
  .string({ unit: "grapheme", minLength: 1 })
  .filter((text) => !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(text));
const eventData: fc.Arbitrary<EventData> = fc.oneof(
  fc.constant({ kind: "none" as const }),
  fc.json({ maxDepth: 5 }).map((text) => ({ kind: "json" as const, text })),
  fc.string({ unit: "grapheme" }).map((text) => ({ kind: "text" as const, text })),
  fc.uint8Array().map((bytes) => ({ kind: "binary" as const, bytes })),
);

test("createEvent() and parseStructured() are inverse: what one writes the other reads", () => {
  fc.assert(
    fc.property(
      fc.record({
        id: attributeText,
        type: attributeText,
        source: fc.webUrl(),
        subject: attributeText,
        ext: fc.oneof(fc.integer(), fc.boolean(), attributeText),
      }),
      eventData,
      ({ ext, ...attributes }, data) => {
        const made = createEvent({ ...attributes, time: TIME, extensions: { ext } }, data);
        const read = parseStructured(made.json, NOW);
        assert.deepEqual(read, made);
        const value = eventValue(read);
        if (data.kind === "json") assert.deepEqual(value["data"], JSON.parse(data.text));
        if (data.kind === "text") assert.equal(value["data"], data.text);
        if (data.kind === "binary") {
          assert.deepEqual(
            new Uint8Array(Buffer.from(value["data_base64"] as string, "base64")),
            data.bytes,
          );
        }
        assert.deepEqual(
          parseBatch(Buffer.from(`[${Buffer.from(made.json).toString()}]`), NOW)[0],
          read,
        );
      },
    ),
  );
});

test("parseStructured(), parseBatch() and eventFromValue() throw nothing but a NexusError", () => {
  const json = fc.oneof(
    fc.uint8Array(),
    fc.string({ unit: "binary" }).map(utf8),
    fc.json().map(utf8),
    fc
      .dictionary(
        fc.oneof(
          fc.constantFrom(...Object.keys(MINIMAL), "time", "data", "__proto__"),
          fc.string(),
        ),
        fc.jsonValue(),
      )
      .map((value) => utf8(JSON.stringify({ ...MINIMAL, ...value }))),
  );
  fc.assert(
    fc.property(json, fc.jsonValue(), (bytes, value) => {
      for (const parse of [
        () => parseStructured(bytes, NOW),
        () => parseBatch(bytes, NOW),
        () => eventFromValue(value, { id: "1", source: "/s", time: TIME }),
      ]) {
        try {
          parse();
        } catch (error) {
          assert.ok(error instanceof NexusError, String(error));
        }
      }
    }),
  );
});
