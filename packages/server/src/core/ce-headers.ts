import type { Content } from "./content.ts";
import { createEvent } from "./cloudevents.ts";
import { NexusError } from "./errors.ts";
import type { NexusEvent } from "./event.ts";
import { RESERVED_PREFIX } from "./pattern.ts";
import { decodeUtf8 } from "./strict-json.ts";

const PREFIX = "ce-";

/** Lower-case names. */
export type Headers = Readonly<Record<string, string | undefined>>;

/** Attributes as headers have them: by name, and unchecked. */
export type HeaderAttributes = Readonly<Record<string, string>>;

/**
 * The CloudEvents attributes in `ce-*` headers, percent-decoded, by name and unchecked: HTTP binding and
 * NATS binding say the same (both in section 3.1.3.2). EVENT_INVALID where a value cannot be decoded.
 * `octets`: what a value's characters stand for, each for a byte (HTTP) or all together for UTF-8 (NATS).
 */
export function ceAttributes(headers: Headers, octets: "latin1" | "utf8"): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const name in headers) {
    if (!name.startsWith(PREFIX)) continue;
    const value = headers[name]!;
    // As a key it would set the object's prototype, and nobody would see it again.
    if (name === "ce-__proto__") throw badName(name);
    attributes[name.slice(PREFIX.length)] = isPlain(value) ? value : decoded(name, value, octets);
  }
  return attributes;
}

/**
 * An event in binary mode; `defaults` hold for attributes that no header has. Checked like every
 * event from outside: EVENT_INVALID.
 */
export function binaryEvent(
  attributes: HeaderAttributes,
  defaults: HeaderAttributes & { readonly time: string },
  { datacontenttype, data }: Content,
): NexusEvent {
  const all: Record<string, string> = { ...defaults, ...attributes };
  const { specversion, id, source, type, time, subject, dataschema, ...extensions } = all;
  if (specversion !== "1.0") throw wrongVersion(specversion);
  return createEvent(
    {
      // What is missing is refused there, with the words for it.
      id: id!,
      source: source!,
      type: type!,
      time: time!,
      ...(subject === undefined ? {} : { subject }),
      ...(dataschema === undefined ? {} : { dataschema }),
      ...(datacontenttype === undefined ? {} : { datacontenttype }),
      extensions,
    },
    data,
  );
}

/** EVENT_INVALID where an event from outside has a type of the platform's own. */
export function refusePlatformType({ type }: NexusEvent): void {
  if (!type.startsWith(RESERVED_PREFIX)) return;
  throw new NexusError(
    "EVENT_INVALID",
    `Cannot accept event: attribute "type" must not begin with "${RESERVED_PREFIX}", which is the platform's own, not ${JSON.stringify(type.slice(0, 100))}`,
  );
}

function wrongVersion(given: string | undefined): NexusError {
  return new NexusError(
    "EVENT_INVALID",
    `Cannot parse event: attribute "specversion" must be "1.0"${given === undefined ? "" : `, not ${JSON.stringify(given.slice(0, 64))}`}`,
  );
}

function badName(header: string): NexusError {
  return new NexusError(
    "EVENT_INVALID",
    `Cannot parse event: header "${header}" must have lower-case letters (a-z) and digits only after "${PREFIX}"`,
  );
}

function isPlain(value: string): boolean {
  return !ENCODED.test(value);
}

// Also double quotes: a receiver must take a quoted value (same section).
const ENCODED = /[%"\u0080-\u{10ffff}]/u;

function decoded(name: string, value: string, octets: "latin1" | "utf8"): string {
  const unquoted =
    value.length >= 2 && value.startsWith('"') && value.endsWith('"')
      ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1")
      : value;
  try {
    // Octets above 0x7f are UTF-8 that somebody did not encode.
    const bytes = Buffer.from(unquoted, octets)
      .toString("latin1")
      .replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    return decodeUtf8(Buffer.from(bytes, "latin1"), name);
  } catch (cause) {
    throw new NexusError(
      "EVENT_INVALID",
      `Cannot parse event: header "${name}" must be percent-encoded UTF-8`,
      { cause },
    );
  }
}
