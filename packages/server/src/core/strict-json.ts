import { NexusError } from "./errors.ts";

/** Deeper JSON is refused: parsers inside functions are recursive more often than not. */
export const MAX_JSON_DEPTH = 256;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of UTF-8 bytes. BODY_INVALID where they are not UTF-8; `what` as in `Cannot read <what>`. */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new NexusError("BODY_INVALID", `Cannot read ${what}: it is not valid UTF-8`, { cause });
  }
}

export interface Json {
  readonly text: string;
  readonly value: unknown;
}

/**
 * Reads JSON (RFC 8259) from UTF-8 bytes. BODY_INVALID where they are not UTF-8, not JSON, or nested
 * deeper than MAX_JSON_DEPTH. A key `__proto__` is a key like any other.
 */
export function readJson(bytes: Uint8Array, what: string): Json {
  const text = decodeUtf8(bytes, what);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NexusError("BODY_INVALID", `Cannot read ${what}: it is not JSON${whereIn(cause)}`, {
      cause,
    });
  }
  if (topLevelParts(bytes).depth > MAX_JSON_DEPTH) {
    throw new NexusError(
      "BODY_INVALID",
      `Cannot read ${what}: it is nested deeper than ${MAX_JSON_DEPTH} levels`,
    );
  }
  return { text, value };
}

/** Of a JSON text known to be valid: how deep it is, and where the members or items of its outermost value are. */
export interface Parts {
  readonly depth: number;
  /** Pairs of start and end, whitespace around included; empty for `{}`, `[]` and what is neither. */
  readonly ranges: readonly (readonly [start: number, end: number])[];
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

export function topLevelParts(bytes: Uint8Array): Parts {
  const ranges: [number, number][] = [];
  let depth = 0;
  let deepest = 0;
  let start = 0;
  let empty = true;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i]!;
    if (byte === QUOTE) {
      i = endOfString(bytes, i);
      empty = false;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > deepest) deepest = depth;
      if (depth === 1) start = i + 1;
      else empty = false;
    } else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 1 && !empty) ranges.push([start, i]);
      depth -= 1;
    } else if (byte === COMMA) {
      if (depth !== 1) continue;
      ranges.push([start, i]);
      start = i + 1;
    } else if (byte > 0x20) {
      empty = false;
    }
  }
  return { depth: deepest, ranges };
}

function endOfString(bytes: Uint8Array, opening: number): number {
  let end = bytes.indexOf(QUOTE, opening + 1);
  while (isEscaped(bytes, end)) end = bytes.indexOf(QUOTE, end + 1);
  return end;
}

function isEscaped(bytes: Uint8Array, at: number): boolean {
  let first = at;
  while (bytes[first - 1] === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}

// V8 says where: "… at position 17 (line 1 column 18)". Its words in front of that repeat the input.
function whereIn(cause: unknown): string {
  const place = /\(line \d+ column \d+\)/.exec((cause as SyntaxError).message);
  return place === null ? "" : ` ${place[0]}`;
}
