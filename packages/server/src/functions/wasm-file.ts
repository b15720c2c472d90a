import { isUtf8 } from "node:buffer";
import type { FileContent, SourceFiles } from "./files.ts";

/** The largest module read. The biggest real ones (Go, bundled interpreters) have some tens of MiB. */
export const MAX_MODULE_BYTES = 256 * 1024 * 1024;
/** A larger source map is not read: lines are a comfort, and reading it has a price. */
export const MAX_SOURCE_MAP_BYTES = 4 * 1024 * 1024;

const BUILD_HINT = "build it for wasm32-wasip1";

/** The module in a file, or why there is none, in words that follow the path. */
export function moduleIn(content: FileContent): Uint8Array | string {
  if (content.kind === "bytes") return moduleFault(content.bytes) ?? content.bytes;
  if (content.kind === "unreadable") return `cannot be read: ${content.reason}`;
  return NO_MODULE[content.kind];
}

/** The source map beside a module that names one; undefined where there is none to be read. */
export async function sourceMapOf(
  path: string,
  module: Uint8Array,
  files: SourceFiles,
): Promise<Uint8Array | undefined> {
  if (!namesSourceMap(module)) return undefined;
  const content = await files.read(`${path}.map`, MAX_SOURCE_MAP_BYTES);
  return content.kind === "bytes" ? content.bytes : undefined;
}

const NO_MODULE = {
  missing: "does not exist (build the function first)",
  directory: "is a folder (name the .wasm file in it)",
  special: "is not a regular file",
  too_large: `is larger than ${MAX_MODULE_BYTES / 1024 / 1024} MiB`,
} as const satisfies Partial<Record<FileContent["kind"], string>>;

/**
 * Why these bytes are no whole WebAssembly module; undefined where they have the shape of one. Looks
 * at the frame only (the magic and the lengths of the sections); what is inside is the runtime's to check.
 */
export function moduleFault(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return "is empty: its build failed or has not finished";
  if (!startsWith(bytes, MAGIC)) {
    return `is not a WebAssembly module: it looks like ${lookOf(bytes)} (${BUILD_HINT})`;
  }
  if (bytes.length < 8) return `is cut off after ${bytes.length} bytes (build it again)`;
  if (bytes[6] === 1 && bytes[7] === 0) {
    return `is not a core module: it looks like a WebAssembly component (${BUILD_HINT}, not wasip2)`;
  }
  if (!startsWith(bytes.subarray(4), VERSION_1)) {
    return `is of a WebAssembly version that is not known: ${hex(bytes.subarray(4, 8))}`;
  }
  return isWhole(bytes) ? undefined : `is cut off after ${bytes.length} bytes (build it again)`;
}

const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const VERSION_1 = [0x01, 0x00, 0x00, 0x00];

const LOOKS: readonly (readonly [magic: readonly number[], look: string])[] = [
  [[0x7f, 0x45, 0x4c, 0x46], "an ELF program for this machine"],
  [[0x4d, 0x5a], "a Windows program"],
  [[0xcf, 0xfa, 0xed, 0xfe], "a macOS program"],
  [[0xca, 0xfe, 0xba, 0xbe], "a macOS program or a Java class"],
  [[0x21, 0x3c, 0x61, 0x72, 0x63, 0x68, 0x3e], "a static library"],
  [[0x42, 0x43, 0xc0, 0xde], "LLVM bitcode"],
  [[0x1f, 0x8b], "a gzip archive"],
  [[0x28, 0xb5, 0x2f, 0xfd], "a zstd archive"],
  [[0x50, 0x4b, 0x03, 0x04], "a zip archive"],
  [[0x23, 0x21], "a script"],
];

function lookOf(bytes: Uint8Array): string {
  const known = LOOKS.find(([magic]) => startsWith(bytes, magic));
  if (known !== undefined) return known[1];
  const text = textStart(bytes);
  if (text === undefined) return `data that starts with ${hex(bytes.subarray(0, 4))}`;
  return /^\s*\((?:module|component)\b/.test(text)
    ? "WebAssembly text (run wat2wasm)"
    : "a text file";
}

// The last character of the part looked at may be cut in two; up to three bytes are forgiven.
function textStart(bytes: Uint8Array): string | undefined {
  const part = bytes.subarray(0, 1024);
  const whole = [0, 1, 2, 3].find((cut) => isUtf8(part.subarray(0, part.length - cut)));
  if (whole === undefined || part.includes(0)) return undefined;
  return new TextDecoder().decode(part.subarray(0, part.length - whole));
}

/** Whether the sections end exactly where the file does. */
function isWhole(bytes: Uint8Array): boolean {
  let at = MAGIC.length + VERSION_1.length;
  while (at < bytes.length) {
    const section = sectionAt(bytes, at);
    if (section === undefined) return false;
    at = section.end;
  }
  return at === bytes.length;
}

/** Whether a whole module says that there is a source map of it. */
function namesSourceMap(bytes: Uint8Array): boolean {
  let at = MAGIC.length + VERSION_1.length;
  while (at < bytes.length) {
    const section = sectionAt(bytes, at)!;
    if (bytes[at] === 0 && startsWith(bytes.subarray(section.start), SOURCE_MAP_URL)) return true;
    at = section.end;
  }
  return false;
}

const SOURCE_MAP_URL = [16, ...new TextEncoder().encode("sourceMappingURL")];

/** Undefined where the length of the section that begins here is cut off or too large. */
function sectionAt(
  bytes: Uint8Array,
  start: number,
): { readonly start: number; readonly end: number } | undefined {
  let at = start + 1; // the section's id
  let length = 0;
  let factor = 1;
  for (;;) {
    const byte = bytes[at];
    if (byte === undefined || factor > 2 ** 28) return undefined;
    at += 1;
    length += (byte & 0x7f) * factor;
    factor *= 128;
    if (byte < 0x80) return { start: at, end: at + length };
  }
}

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, index) => bytes[index] === byte);
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
