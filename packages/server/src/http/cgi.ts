import { isUtf8 } from "node:buffer";
import { NexusError } from "../core/errors.ts";
import type { HttpReply } from "./http.ts";

/**
 * Makes an HTTP answer of what a `respond: true` function wrote. Output that begins with a header
 * block (RFC 3875, section 6: its first line is Status, Content-Type or Location, and a blank line
 * ends it) is a CGI response. All other output is the body: application/json if it is a JSON object
 * or array, text/plain if it is UTF-8, else application/octet-stream. FUNCTION_OUTPUT_INVALID where a
 * CGI response breaks the rules.
 */
export function replyOf(output: Uint8Array): HttpReply {
  const block = headerBlock(output);
  if (block === undefined) {
    const { headers } = sniffed(output);
    return { status: output.length === 0 ? 204 : 200, headers, body: output };
  }
  const { status, headers } = readHeaders(block.lines);
  const body = output.subarray(block.end);
  if (status === 204 || status === 304) return { status, headers };
  if (body.length > 0 && headers["content-type"] === undefined) {
    return { status, headers: { ...headers, ...sniffed(body).headers }, body };
  }
  return { status, headers, body };
}

const LF = 0x0a;
const CR = 0x0d;
const MAX_BLOCK = 16 * 1024;
const FIRST_LINE = /^(?:status|content-type|location):/i;
const LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/s;

interface Block {
  readonly lines: readonly (readonly [name: string, value: string])[];
  /** Where the body begins. */
  readonly end: number;
}

/** Undefined where the output is not a CGI response at all. */
function headerBlock(output: Uint8Array): Block | undefined {
  const first = output[0];
  // Nearly all output is decided here: s, c or l in either case.
  if (first === undefined || !"sclSCL".includes(String.fromCharCode(first))) return undefined;
  const lines: [string, string][] = [];
  let start = 0;
  while (start < MAX_BLOCK) {
    const lf = output.indexOf(LF, start);
    if (lf === -1) return undefined;
    const end = lf > start && output[lf - 1] === CR ? lf - 1 : lf;
    if (end === start) return lines.length === 0 ? undefined : { lines, end: lf + 1 };
    const line = latin1(output.subarray(start, end));
    if (lines.length === 0 && !FIRST_LINE.test(line)) return undefined;
    const match = LINE.exec(line);
    if (match === null) return undefined;
    lines.push([match[1]!.toLowerCase(), match[2]!]);
    start = lf + 1;
  }
  return undefined;
}

// Of the connection or the message's frame: the server's, never a guest's (RFC 9110, section 7.6.1).
// `traceparent` and `nexus-*` are what this server says about the call.
const NOT_A_GUESTS =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-length|date|traceparent|nexus-.*)$/;

function readHeaders(lines: Block["lines"]): {
  readonly status: number;
  readonly headers: Record<string, string | readonly string[]>;
} {
  const headers: Record<string, string | readonly string[]> = {};
  const cookies: string[] = [];
  let status: number | undefined;
  for (const [name, value] of lines) {
    if (!isFieldValue(value))
      throw invalid(`header "${name}" has a character that headers may not have`);
    if (name === "status") {
      if (status !== undefined) throw invalid('"Status" is there twice');
      status = readStatus(value);
    } else if (name === "set-cookie") {
      cookies.push(value);
    } else if (!NOT_A_GUESTS.test(name)) {
      const before = headers[name];
      headers[name] = before === undefined ? value : `${String(before)}, ${value}`;
    }
  }
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  return { status: status ?? (headers["location"] === undefined ? 200 : 302), headers };
}

function readStatus(value: string): number {
  const status = /^(\d{3})(?: .*)?$/s.exec(value)?.[1];
  if (status !== undefined && Number(status) >= 200 && Number(status) <= 599) return Number(status);
  throw invalid(
    `"Status" must be a number from 200 to 599, not ${JSON.stringify(value.slice(0, 40))}`,
  );
}

/** RFC 9110, section 5.5: no control characters but the tab. */
function isFieldValue(value: string): boolean {
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return false;
  }
  return true;
}

function sniffed(body: Uint8Array): { readonly headers: Record<string, string> } {
  if (body.length === 0) return { headers: {} };
  return { headers: { "content-type": contentTypeOf(body) } };
}

function contentTypeOf(body: Uint8Array): string {
  if (!isUtf8(body)) return "application/octet-stream";
  return isJsonContainer(body) ? "application/json" : "text/plain; charset=utf-8";
}

function isJsonContainer(body: Uint8Array): boolean {
  let first = 0;
  while (body[first] === 0x20 || (body[first]! >= 0x09 && body[first]! <= 0x0d)) first += 1;
  if (body[first] !== 0x7b && body[first] !== 0x5b) return false;
  try {
    JSON.parse(decoder.decode(body));
    return true;
  } catch {
    return false;
  }
}

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

function invalid(rule: string): NexusError {
  return new NexusError(
    "FUNCTION_OUTPUT_INVALID",
    `Cannot answer with the function's output: ${rule}`,
  );
}

const decoder = new TextDecoder();
