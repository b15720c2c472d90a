import { contentOf } from "./content.ts";
import { pathOf } from "./json-paths.ts";
import { linesOf } from "./output-changes.ts";

/** A line of what a run wrote, as people compare it. */
export interface ReadableLine {
  readonly text: string;
  /** Where it lies: the JSON path of what is around it. Empty where lines have no place. */
  readonly place: string;
}

/**
 * Bytes as lines to compare: JSON indented, its keys in the order of the alphabet, so that their order makes
 * no difference; text as it is; anything else as hexadecimal digits, sixteen bytes a line. `asWritten`:
 * JSON too as it is.
 */
export function readableLines(bytes: Uint8Array, asWritten = false): readonly ReadableLine[] {
  const content = contentOf(bytes);
  if (content.kind === "binary") return hexLines(bytes);
  if (content.kind === "empty") return [];
  if (content.kind === "text" || asWritten)
    return linesOf(content.text).map((text) => ({ text, place: "" }));
  if (content.kind === "json") return jsonLines(content.value, "$");
  return content.value.flatMap((value, index) => jsonLines(value, `line ${index + 1}: $`));
}

function jsonLines(value: unknown, place: string): readonly ReadableLine[] {
  const lines: ReadableLine[] = [];
  write({ lines, value, place, margin: "", before: "", after: "" });
  return lines;
}

interface Writing {
  readonly lines: ReadableLine[];
  readonly value: unknown;
  readonly place: string;
  readonly margin: string;
  /** What stands on the value's first line before it: its key. */
  readonly before: string;
  /** What stands after it: a comma. */
  readonly after: string;
}

function write({ lines, value, place, margin, before, after }: Writing): void {
  const add = (text: string): unknown => lines.push({ text: margin + text, place });
  if (typeof value !== "object" || value === null) {
    const text = typeof value === "bigint" ? String(value) : JSON.stringify(value);
    add(`${before}${text}${after}`);
    return;
  }
  const list = Array.isArray(value);
  const [open, close] = list ? "[]" : "{}";
  const keys = Object.keys(value);
  if (keys.length === 0) return void add(`${before}${open}${close}${after}`);
  if (!list) keys.sort();
  add(`${before}${open}`);
  for (const [index, key] of keys.entries()) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    write({
      lines,
      value: member,
      place: typeof member === "object" && member !== null ? place + within(key, list) : place,
      margin: `${margin}  `,
      before: list ? "" : `${JSON.stringify(key)}: `,
      after: index === keys.length - 1 ? "" : ",",
    });
  }
  add(`${close}${after}`);
}

function within(key: string, list: boolean): string {
  return list ? `[${key}]` : pathOf(key);
}

function hexLines(bytes: Uint8Array): readonly ReadableLine[] {
  const lines: ReadableLine[] = [];
  for (let at = 0; at < Math.min(bytes.length, MOST_HEX_BYTES); at += 16) {
    const digits = Buffer.from(bytes.subarray(at, at + 16)).toString("hex");
    const text = digits.replaceAll(/..(?=.)/g, "$& ");
    lines.push({ text, place: `byte ${at}` });
  }
  if (bytes.length > MOST_HEX_BYTES)
    lines.push({ text: `${bytes.length - MOST_HEX_BYTES} more bytes`, place: "" });
  return lines;
}

// Nobody reads more of it.
const MOST_HEX_BYTES = 16 * 1024;
