import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ErrorCode } from "../core/errors.ts";
import { childTrace, formatTraceparent } from "../core/trace.ts";
import { problem } from "./problem.ts";
import { SECURITY_HEADERS } from "./reply.ts";

/** Of a request's head. */
export const MAX_HEADER_BYTES = 16 * 1024;

/** The last resort, where the handler itself broke. */
export function refuse(response: ServerResponse): void {
  end(response, untracedProblem("INTERNAL", "Cannot answer: the server made a mistake"));
}

/** A request without a host: HTTP/1.1 asks for a 400, and node:http's own has no body. */
export function refuseNoHost(response: ServerResponse): void {
  response.setHeader("connection", "close");
  end(
    response,
    untracedProblem("REQUEST_INVALID", 'Cannot read request: header "host" is missing'),
  );
}

/** An `expect` other than `100-continue`. */
export function refuseExpectation({ headers }: IncomingMessage, response: ServerResponse): void {
  const expectation = JSON.stringify(headers.expect?.slice(0, 40));
  const detail = `Cannot do what header "expect" asks, ${expectation}: only "100-continue" can be met`;
  response.setHeader("connection", "close");
  end(response, untracedProblem("REQUEST_INVALID", detail));
}

/** CONNECT asks for a tunnel. */
export function refuseTunnel(_request: IncomingMessage, socket: Duplex): void {
  const detail = "Cannot CONNECT: this server is no proxy";
  endSocket(socket, untracedProblem("METHOD_NOT_ALLOWED", detail));
}

type Untraced = ReturnType<typeof untracedProblem>;

function end(response: ServerResponse, { status, headers, body }: Untraced): void {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

function endSocket(socket: Duplex, { status, headers, body }: Untraced): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** A problem where there is no request to take a trace from: a broken one, or a bug. */
function untracedProblem(code: ErrorCode, detail: string) {
  const trace = childTrace();
  const { status, headers, body } = problem(code, detail, trace.traceId);
  return {
    status,
    headers: { ...SECURITY_HEADERS, ...headers, traceparent: formatTraceparent(trace) },
    body: body as string,
  };
}

/** What node:http itself could not read: no request, so no handler. */
export function refuseBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  endSocket(socket, brokenAnswer(error));
}

function brokenAnswer(error: NodeJS.ErrnoException) {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return untracedProblem(
        "HEADERS_TOO_LARGE",
        `Cannot read request: its headers are larger than ${MAX_HEADER_BYTES} bytes`,
      );
    case "HPE_INVALID_EOF_STATE":
      return untracedProblem(
        "BODY_INVALID",
        "Cannot read request: the connection ended before all of it had come",
      );
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return untracedProblem("REQUEST_TIMEOUT", "Cannot read request: it did not come in time");
    case undefined:
    default:
      return untracedProblem("REQUEST_INVALID", "Cannot read request: it is no HTTP/1.1");
  }
}
