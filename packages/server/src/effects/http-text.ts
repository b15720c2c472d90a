/** Head and answer of a `fetch`, as text: docs/host-api.md. */

export type Header = readonly [name: string, value: string];

export interface RequestHead {
  readonly method: string;
  readonly url: URL;
  readonly headers: readonly Header[];
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\uffff]*$/;

/** Of one connection, or made by whoever sends the message. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What the platform writes itself. */
const OURS: ReadonlySet<string> = new Set(["host", "content-length", "expect", "traceparent"]);

/** Why it is no head that may be sent, in words; else the head. */
export function parseHead(request: string, headers: string): RequestHead | string {
  const [method = "", target = "", ...rest] = request.split(" ");
  if (!TOKEN.test(method) || rest.length > 0) {
    return "the first line is not a method and a URL";
  }
  if (/^(?:CONNECT|TRACE)$/i.test(method)) return `the method ${method} is not there`;
  const url = URL.parse(target);
  if (url === null) return `${JSON.stringify(target)} is not a URL`;
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return `the scheme "${url.protocol}" is not http or https`;
  }
  if (url.username !== "" || url.password !== "") return "the URL has a user name or password";
  const parsed: Header[] = [];
  for (const line of headers.split("\n")) {
    if (line === "") continue;
    const header = parseHeader(line);
    if (typeof header === "string") return header;
    parsed.push(header);
  }
  return { method: method.toUpperCase(), url, headers: parsed };
}

function parseHeader(line: string): Header | string {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon)).toLowerCase();
  const value = line.slice(colon + 1).trim();
  if (!TOKEN.test(name)) return "a header line has no name";
  if (!VALUE.test(value)) return `the header "${name}" has a control character`;
  if (HOP_BY_HOP.has(name) || OURS.has(name)) return `the header "${name}" is the platform's`;
  return [name, value];
}

/** `rawHeaders`: names and values in turn, as Node's parser gives them. */
export function answerText(
  status: number,
  rawHeaders: readonly string[],
  body: Uint8Array,
): Uint8Array {
  let head = `${status}\n`;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (!HOP_BY_HOP.has(name)) head += `${name}: ${rawHeaders[at + 1]}\n`;
  }
  return Buffer.concat([Buffer.from(`${head}\n`), body]);
}
