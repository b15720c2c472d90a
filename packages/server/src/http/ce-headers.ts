import { NexusError } from "../core/errors.ts";
import { decodeUtf8 } from "../core/strict-json.ts";
import type { HttpRequest } from "./http.ts";

const PREFIX = "ce-";

/**
 * The CloudEvents attributes in `ce-*` headers, percent-decoded (HTTP binding, section 3.1.3.2), by
 * name and unchecked. EVENT_INVALID where a value cannot be decoded.
 */
export function ceAttributes(headers: HttpRequest["headers"]): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const name in headers) {
    if (!name.startsWith(PREFIX)) continue;
    const value = headers[name]!;
    // As a key it would set the object's prototype, and nobody would see it again.
    if (name === "ce-__proto__") throw badName(name);
    attributes[name.slice(PREFIX.length)] = isPlain(value) ? value : decoded(name, value);
  }
  return attributes;
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

function decoded(name: string, value: string): string {
  const unquoted =
    value.length >= 2 && value.startsWith('"') && value.endsWith('"')
      ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1")
      : value;
  try {
    // Node gives header bytes as latin-1; octets above 0x7f are UTF-8 that somebody did not encode.
    const octets = unquoted.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    );
    return decodeUtf8(Buffer.from(octets, "latin1"), name);
  } catch (cause) {
    throw new NexusError(
      "EVENT_INVALID",
      `Cannot parse event: header "${name}" must be percent-encoded UTF-8`,
      { cause },
    );
  }
}
