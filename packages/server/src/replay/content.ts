import { isUtf8 } from "node:buffer";
import { readJson } from "../core/strict-json.ts";

/** What some bytes are, for whoever reads them. `json_lines`: two or more objects or arrays, one a line. */
export type Content =
  | { readonly kind: "empty" }
  | { readonly kind: "json"; readonly value: unknown; readonly text: string }
  | { readonly kind: "json_lines"; readonly value: readonly unknown[]; readonly text: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "binary" };

export function contentOf(bytes: Uint8Array): Content {
  if (bytes.length === 0) return { kind: "empty" };
  if (!isUtf8(bytes)) return { kind: "binary" };
  const text = decoder.decode(bytes);
  const whole = tryJson(bytes);
  if (whole !== undefined) return { kind: "json", value: whole.value, text };
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length > 1 && lines.every((line) => /^\s*[{[]/.test(line))) {
    const values = lines.map((line) => tryJson(encoder.encode(line)));
    const value = values.flatMap((one) => (one === undefined ? [] : [one.value]));
    if (value.length === lines.length) return { kind: "json_lines", value, text };
  }
  return { kind: "text", text };
}

function tryJson(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    const { text, value } = readJson(bytes, "output");
    return { value: LONG_NUMBER.test(text) ? JSON.parse(text, exactNumber) : value };
  } catch {
    return undefined;
  }
}

// Two whole numbers that differ beyond 2^53 are the same to JSON.parse.
const LONG_NUMBER = /\d{16}/;

function exactNumber(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  return typeof value === "number" && source !== undefined && /^-?\d{16,}$/.test(source)
    ? BigInt(source)
    : value;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();
