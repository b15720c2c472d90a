import { STATUS_CODES, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ErrorCode } from "../core/errors.ts";
import { childTrace, formatTraceparent } from "../core/trace.ts";
import { problem } from "./problem.ts";

/** Of a request's head. */
export const MAX_HEADER_BYTES = 16 * 1024;

/** The last resort, where the handler itself broke. */
export function refuse(response: ServerResponse): void {
  const { status, headers, body } = untracedProblem(
    "INTERNAL",
    "Cannot answer: the server made a mistake",
  );
  response.writeHead(status, headers);
  response.end(body);
}

/** A problem where there is no request to take a trace from: a broken one, or a bug. */
function untracedProblem(code: ErrorCode, detail: string) {
  const trace = childTrace();
  const { status, headers, body } = problem(code, detail, trace.traceId);
  return {
    status,
    headers: { ...headers, traceparent: formatTraceparent(trace) },
    body: body as string,
  };
}

/** What node:http itself could not read: no request, so no handler. */
export function refuseBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const { status, headers, body } = brokenAnswer(error);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function brokenAnswer(error: NodeJS.ErrnoException) {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return untracedProblem(
        "HEADERS_TOO_LARGE",
        `Cannot read request: its headers are larger than ${MAX_HEADER_BYTES} bytes`,
      );
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return untracedProblem("REQUEST_TIMEOUT", "Cannot read request: it did not come in time");
    case undefined:
    default:
      return untracedProblem("REQUEST_INVALID", "Cannot read request: it is no HTTP/1.1");
  }
}
