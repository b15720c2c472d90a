/**
 * HTTP as plain data. The core of this room is a function from HttpRequest to HttpReply; sockets are a
 * thin adapter, and so is `fetch` for tests and embedding.
 *
 * Not the web's own Request and Response: building a pair of them costs Node about as much as all of
 * an accepted event does here (docs/performance.md).
 */
export interface HttpRequest {
  /** Upper case. */
  readonly method: string;
  /** As sent: not decoded, without the query. Starts with `/`. */
  readonly path: string;
  /** As sent, without the `?`; empty if there is none. */
  readonly query: string;
  /** Lower-case names; repeated headers joined with `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Of the other end of the connection: a client's, or a proxy's. Empty where there is none. */
  readonly address: string;
  /**
   * The whole body. EVENT_TOO_LARGE as soon as more than `maxBytes` are announced or have come;
   * BODY_INVALID where the connection ends early. To be called once at most.
   */
  body(maxBytes: number): Promise<Uint8Array>;
  /** Aborts when the client goes away. Made on first use: most requests never need one. */
  readonly signal: AbortSignal;
}

export interface HttpReply {
  readonly status: number;
  /** Lower-case names; several values become several headers. `content-length` is the adapter's business. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** An iterable is streamed as it comes. */
  readonly body?: string | Uint8Array | AsyncIterable<string>;
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpReply>;
