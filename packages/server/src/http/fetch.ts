import { NexusError } from "../core/errors.ts";
import type { HttpHandler, HttpReply } from "./http.ts";

/** The same handler with the web's own types: for tests, and to embed the server into another. */
export function toFetch(handler: HttpHandler): (request: Request) => Promise<Response> {
  return async (request) => {
    const url = new URL(request.url);
    const reply = await handler({
      method: request.method,
      path: url.pathname,
      query: url.search.slice(1),
      headers: Object.fromEntries(request.headers),
      address: "",
      signal: request.signal,
      async body(maxBytes) {
        const bytes = new Uint8Array(await request.arrayBuffer());
        if (bytes.length <= maxBytes) return bytes;
        throw new NexusError(
          "EVENT_TOO_LARGE",
          `Cannot read body: it is larger than the limit of ${maxBytes} bytes`,
        );
      },
    });
    const empty = request.method === "HEAD" || reply.status === 204 || reply.status === 304;
    const headers = new Headers();
    for (const [name, value] of Object.entries(reply.headers)) {
      for (const one of [value].flat()) headers.append(name, one);
    }
    return new Response(empty ? null : webBody(reply.body), { status: reply.status, headers });
  };
}

function webBody(
  body: HttpReply["body"],
): string | Uint8Array<ArrayBuffer> | ReadableStream | null {
  if (body === undefined || typeof body === "string") return body ?? null;
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return ReadableStream.from(body).pipeThrough(new TextEncoderStream());
}
