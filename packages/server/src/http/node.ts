import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { NexusError } from "../core/errors.ts";
import type { Logger } from "../telemetry/telemetry.ts";
import type { HttpHandler, HttpReply } from "./http.ts";
import {
  MAX_HEADER_BYTES,
  refuse,
  refuseBroken,
  refuseExpectation,
  refuseNoHost,
  refuseTunnel,
} from "./node-refusal.ts";
import { dropRest, NodeRequest } from "./node-request.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly logger: Logger;
  /** Longest time for a request's headers to come, in milliseconds. */
  readonly headersTimeoutMs?: number;
  /** Longest time for a whole request to come. */
  readonly requestTimeoutMs?: number;
  /** How long an idle connection is kept. */
  readonly keepAliveMs?: number;
}

export interface HttpServer {
  readonly url: string;
  readonly port: number;
  /**
   * Takes no new connection, lets requests under way finish and closes each connection after its
   * answer; when `signal` aborts, closes what is left. Safe to call twice.
   */
  close(signal: AbortSignal): Promise<void>;
}

interface ServerState {
  closing: boolean;
  /** Answers that are streamed. */
  readonly streams: Set<ServerResponse>;
}

/** Serves `handler` over node:http. PORT_UNAVAILABLE. */
export async function listen(handler: HttpHandler, options: ListenOptions): Promise<HttpServer> {
  const { host, port, logger } = options;
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: options.headersTimeoutMs ?? 10_000,
    requestTimeout: options.requestTimeoutMs ?? 60_000,
    keepAliveTimeout: options.keepAliveMs ?? 65_000,
    // How often the two time limits above are looked at.
    connectionsCheckingInterval: Math.min(options.headersTimeoutMs ?? 10_000, 1000),
    noDelay: true,
    requireHostHeader: false, // refused below, with a code
  });
  const state: ServerState = { closing: false, streams: new Set() };
  server.on("request", (request, response) => {
    if (request.headers.host === undefined && request.httpVersion === "1.1") refuseNoHost(response);
    else void answer(handler, request, response, { state, logger });
  });
  server.on("checkExpectation", refuseExpectation);
  server.on("connect", refuseTunnel);
  server.on("clientError", refuseBroken);
  await started(server, host, port);
  const bound = (server.address() as AddressInfo).port;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    port: bound,
    close(signal) {
      state.closing = true;
      // A stream of events would go on for ever: its client connects again, to another server.
      for (const stream of state.streams) stream.end();
      closed ??= closeServer(server, signal);
      return closed;
    },
  };
}

function started(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(
        new NexusError("PORT_UNAVAILABLE", `Cannot listen on ${host}:${port}: ${reason(cause)}`, {
          cause,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
}

function reason(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "EADDRINUSE":
      return "another program has the port";
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return "the address is not of this machine";
    case "EACCES":
      return "the port needs more rights than this user has";
    case undefined:
    default:
      return error.message;
  }
}

async function closeServer(server: Server, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve()); // idle connections are closed by this, busy ones after their answer
  const cutOff = () => server.closeAllConnections();
  if (signal.aborted) cutOff();
  else signal.addEventListener("abort", cutOff, { once: true });
  await promise;
  signal.removeEventListener("abort", cutOff);
}

async function answer(
  handler: HttpHandler,
  message: IncomingMessage,
  response: ServerResponse,
  { state, logger }: { readonly state: ServerState; readonly logger: Logger },
): Promise<void> {
  const request = new NodeRequest(message, response);
  try {
    const reply = await handler(request);
    if (!message.complete) await dropRest(message);
    // The rest of a body that is still coming is not waited for, and the connection ends.
    if (state.closing || !message.complete) response.setHeader("connection", "close");
    const { body } = reply;
    const headersOnly = request.method === "HEAD";
    if (isStream(body)) await sendStream(reply, headersOnly ? [] : body, response, state);
    else send(reply, body, headersOnly, response);
  } catch (error) {
    // The handler answers every error itself: this is one of its own making, or of the stream it gave.
    logger.error("Cannot answer a request", { path: request.path, error });
    if (response.headersSent) response.destroy();
    else refuse(response);
  }
}

function isStream(body: HttpReply["body"]): body is AsyncIterable<string> {
  return typeof body === "object" && !(body instanceof Uint8Array);
}

function send(
  { status, headers }: HttpReply,
  body: string | Uint8Array | undefined,
  headersOnly: boolean,
  response: ServerResponse,
): void {
  const bytes = body === undefined ? 0 : Buffer.byteLength(body);
  // 204 and 304 have no content, and say no length (RFC 9110, section 8.6).
  const flat = status === 204 || status === 304 ? [] : ["content-length", String(bytes)];
  for (const name in headers) {
    const value = headers[name]!;
    if (typeof value === "string") flat.push(name, value);
    else for (const one of value) flat.push(name, one);
  }
  response.writeHead(status, flat);
  if (headersOnly || body === undefined) response.end();
  else if (typeof body === "string") response.end(body);
  else if (bytes > MOST_AS_TEXT) response.end(body);
  else response.end(latin1(body), "latin1");
}

/** A body that is text goes out as one string with the head, and in one write: 4 µs less than beside it. */
const MOST_AS_TEXT = 16 * 1024;

/** A character for each byte, and on the wire a byte for each character. */
function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

async function sendStream(
  { status, headers }: HttpReply,
  body: AsyncIterable<string> | readonly string[],
  response: ServerResponse,
  state: ServerState,
): Promise<void> {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.writeHead(status);
  response.flushHeaders();
  state.streams.add(response);
  try {
    for await (const part of body) {
      if (response.writableEnded || response.destroyed) break;
      if (!response.write(part)) await drained(response);
    }
  } finally {
    state.streams.delete(response);
  }
  response.end();
}

/** Resolves when there is room to write again, or nobody left to write to. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}
