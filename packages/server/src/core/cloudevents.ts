import { checkAttributes, checkParts, type Attributes } from "./attributes.ts";
import { NexusError } from "./errors.ts";
import type { NexusEvent } from "./event.ts";
import { decodeUtf8, MAX_JSON_DEPTH, readJson, topLevelParts } from "./strict-json.ts";

/** What an event carries. */
export type EventData =
  | { readonly kind: "none" }
  /** `text`: valid JSON; it is put into the event as it is. */
  | { readonly kind: "json"; readonly text: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "binary"; readonly bytes: Uint8Array };

export interface NewAttributes {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly subject?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly extensions?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Reads an event in the JSON event format. `now` becomes its time where it has none; otherwise its
 * bytes stay as they are. EVENT_INVALID names the attribute and the rule of CloudEvents 1.0.2;
 * BODY_INVALID where it is no JSON at all.
 */
export function parseStructured(json: Uint8Array, now: Date): NexusEvent {
  return eventOf(json, readJson(json, "event").value, now, "event");
}

/** Reads a batch in the JSON batch format: all events or an error. */
export function parseBatch(json: Uint8Array, now: Date): readonly NexusEvent[] {
  const { value } = readJson(json, "batch of events");
  if (!Array.isArray(value)) {
    throw new NexusError(
      "EVENT_INVALID",
      "Cannot parse batch of events: it must be a JSON array of events",
    );
  }
  const { ranges } = topLevelParts(json);
  return Object.freeze(
    value.map((item, index) =>
      // A copy, or one stored event would keep the whole batch in memory.
      eventOf(
        json.slice(...ranges[index]!),
        item,
        now,
        `event ${index + 1} of ${value.length} in the batch`,
      ),
    ),
  );
}

/**
 * An event from a parsed JSON value; what is missing of `id`, `source`, `time` and `specversion` is
 * filled in. EVENT_INVALID.
 */
export function eventFromValue(
  value: unknown,
  defaults: { readonly id?: string; readonly source?: string; readonly time: string },
): NexusEvent {
  const given = objectOf(value, "event");
  const filled: Record<string, unknown> = { specversion: "1.0", ...defaults };
  for (const [name, one] of Object.entries(given)) {
    if (one === null && name !== "data") continue;
    // Not assigned: `__proto__` must stay a key.
    Object.defineProperty(filled, name, { ...ORDINARY, value: one });
  }
  const attributes = checkedEvent(filled, "event");
  if (isDeeperThan(filled, MAX_JSON_DEPTH)) {
    throw new NexusError(
      "EVENT_INVALID",
      `Cannot parse event: it is nested deeper than ${MAX_JSON_DEPTH} levels`,
    );
  }
  return frozen(attributes, String(filled["time"]), Buffer.from(JSON.stringify(filled)));
}

const ORDINARY = { enumerable: true, writable: true, configurable: true };

/** An event from its parts. The attributes are checked like those from outside: EVENT_INVALID. */
export function createEvent(attributes: NewAttributes, data: EventData): NexusEvent {
  const checked = checkParts(attributes, attributes.extensions);
  let json = `{"specversion":"1.0","id":${JSON.stringify(checked.id)},"source":${JSON.stringify(checked.source)},"type":${JSON.stringify(checked.type)},"time":"${attributes.time}"`;
  json += member("subject", checked.subject);
  json += member("datacontenttype", checked.datacontenttype);
  json += member("dataschema", checked.dataschema);
  for (const name of Object.keys(checked.extensions)) {
    json += member(name, checked.extensions[name]);
  }
  json += dataMember(data);
  return frozen(checked, attributes.time, Buffer.from(`${json}}`));
}

function member(name: string, value: string | number | boolean | undefined): string {
  return value === undefined ? "" : `,"${name}":${JSON.stringify(value)}`;
}

function dataMember(data: EventData): string {
  if (data.kind === "none") return "";
  if (data.kind === "binary") return `,"data_base64":"${base64Of(data.bytes)}"`;
  return `,"data":${data.kind === "json" ? data.text : JSON.stringify(data.text)}`;
}

function base64Of({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

function eventOf(json: Uint8Array, value: unknown, now: Date, what: string): NexusEvent {
  const given = objectOf(value, what);
  const attributes = checkedEvent(given, what);
  const { ranges } = topLevelParts(json);
  // Two readers of `{"id":"a","id":"b"}` may see two different events: one here, one in the function.
  if (ranges.length !== Object.keys(given).length) {
    throw new NexusError("EVENT_INVALID", `Cannot parse ${what}: a member is there twice`);
  }
  if (attributes.time !== undefined) return frozen(attributes, attributes.time, json);
  const time = now.toISOString();
  const others =
    given["time"] === undefined
      ? ranges
      : ranges.filter(([start, end]) => !isTime(json.subarray(start, end)));
  return frozen(attributes, time, withTime(json, others, time));
}

// The members as they are, with the time in front.
function withTime(
  json: Uint8Array,
  ranges: readonly (readonly [number, number])[],
  time: string,
): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from(`{"time":"${time}"`)];
  for (const [start, end] of ranges) {
    parts.push(COMMA, json.subarray(start, end));
  }
  parts.push(Buffer.from("}"));
  return Buffer.concat(parts);
}

const COMMA = Buffer.from(",");

/** Whether a member's name is `time`, however it is written. */
function isTime(member: Uint8Array): boolean {
  return Object.hasOwn(JSON.parse(`{${decodeUtf8(member, "event")}}`) as object, "time");
}

function checkedEvent(given: Readonly<Record<string, unknown>>, what: string): Attributes {
  const { data, data_base64: base64, ...attributes } = given;
  if (base64 !== undefined && base64 !== null) {
    if (data !== undefined && data !== null) {
      throw new NexusError(
        "EVENT_INVALID",
        `Cannot parse ${what}: it must not have both "data" and "data_base64"`,
      );
    }
    if (typeof base64 !== "string" || !isBase64(base64)) {
      throw new NexusError(
        "EVENT_INVALID",
        `Cannot parse ${what}: "data_base64" must be Base64 (RFC 4648, section 4) in a string`,
      );
    }
  }
  return checkAttributes(attributes, what);
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && BASE64.test(text);
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new NexusError("EVENT_INVALID", `Cannot parse ${what}: it must be a JSON object`);
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((one) => isDeeperThan(one, levels - 1));
}

function frozen(attributes: Attributes, time: string, json: Uint8Array): NexusEvent {
  return Object.freeze({ ...attributes, time, json });
}
