import { lookup } from "node:dns";
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { RequestHead } from "./http-text.ts";

/** Every address of a name. */
export type Resolve = (
  name: string,
  done: (error: Error | null, addresses: readonly Address[]) => void,
) => void;

export interface Address {
  readonly address: string;
  readonly family: number;
}

export interface Sending extends RequestHead {
  readonly body: Uint8Array;
}

export interface SendOptions {
  /** Of the answer's body. */
  readonly maxBytes: number;
  /** Whether it may be sent to this address. */
  readonly mayConnect: (address: string) => boolean;
  readonly resolve?: Resolve | undefined;
}

export interface Received {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly location: string | undefined;
  readonly body: Uint8Array;
}

/** The name leads to no address of the open internet. */
export class NotPublic extends Error {
  override readonly name = "NotPublic";
}

export class TooLarge extends Error {
  override readonly name = "TooLarge";
}

/**
 * Sends one request over a connection of its own, and follows nothing. Where it goes is decided on the
 * address that the connection is made to, so that a name which leads elsewhere a moment later changes
 * nothing. Rejects with NotPublic, TooLarge, the signal's reason, or an error of Node's with a code.
 */
export function send(
  { method, url, headers, body }: Sending,
  options: SendOptions,
  signal: AbortSignal,
): Promise<Received> {
  const { promise, resolve, reject } = Promise.withResolvers<Received>();
  const literal = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(literal) !== 0 && !options.mayConnect(literal)) {
    return Promise.reject(notPublic(literal));
  }
  const settings: RequestOptions = {
    method,
    headers: headerFields(headers, method, body),
    lookup: lookupOf(options),
    // A connection of its own: none that another run has opened, under another grant.
    agent: false,
    signal,
  };
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const sent = send(url, settings, (message) => {
    read(message, options.maxBytes).then(resolve, (error: unknown) => {
      sent.destroy();
      reject(error);
    });
  });
  sent.on("error", reject);
  sent.end(body);
  return promise;
}

/** Several of one name are sent as several. Without a word about encodings the body comes as it is. */
function headerFields(
  headers: RequestHead["headers"],
  method: string,
  body: Uint8Array,
): Record<string, string[] | string> {
  // Without a prototype: `__proto__` is a name like another.
  const fields = Object.create(null) as Record<string, string[] | string>;
  fields["accept-encoding"] = "identity";
  for (const [name, value] of Map.groupBy(headers, ([name]) => name)) {
    const values = value.map(([, text]) => Buffer.from(text).toString("latin1"));
    fields[name] = values.length === 1 ? values[0]! : values;
  }
  if (body.length > 0 || !/^(?:GET|HEAD|OPTIONS|DELETE)$/.test(method)) {
    fields["content-length"] = String(body.length);
  }
  return fields;
}

async function read(message: IncomingMessage, maxBytes: number): Promise<Received> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of message as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > maxBytes) throw new TooLarge(`the answer has more than ${maxBytes} bytes`);
    parts.push(part);
  }
  const { statusCode: status = 0, rawHeaders, headers } = message;
  return { status, rawHeaders, location: headers.location, body: Buffer.concat(parts) };
}

function lookupOf({ mayConnect, resolve = systemResolve }: SendOptions): LookupFunction {
  return (name, { all }, done) => {
    resolve(name, (error, addresses) => {
      const open = addresses.filter(({ address }) => mayConnect(address));
      const [first] = open;
      if (error !== null) done(error, []);
      else if (first === undefined) done(notPublic(name), []);
      else if (all === true) done(null, [...open]);
      else done(null, first.address, first.family);
    });
  };
}

const systemResolve: Resolve = (name, done) => {
  lookup(name, { all: true, verbatim: true }, (error, addresses) => {
    done(error, error === null ? addresses : []);
  });
};

function notPublic(name: string): NotPublic {
  return new NotPublic(
    `"${name}" leads to this machine or a private network, which \`fetch.allow_private\` does not grant`,
  );
}
