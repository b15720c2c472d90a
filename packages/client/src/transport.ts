import { problemIn, unreachable } from "./problem.ts";

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface CallOptions {
  readonly method?: "GET" | "POST";
  readonly query?: Query | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Sends one request. Rejects with NexusProblem for every answer that is not 2xx, and for none. */
export type Send = (path: string, options?: CallOptions) => Promise<Response>;

export interface TransportOptions {
  /** Without a path, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly token?: string | undefined;
  /** In place of the global one. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export function transport({ url, token, fetch = globalThis.fetch }: TransportOptions): Send {
  const base = url.replace(/\/+$/, "");
  const authorization: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  return async (path, { method = "GET", query, headers, body, signal } = {}) => {
    let response: Response;
    try {
      response = await fetch(`${base}${path}${queryText(query)}`, {
        method,
        headers: { ...authorization, ...headers },
        ...(body === undefined
          ? {}
          : { body: typeof body === "string" ? body : new Uint8Array(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw unreachable(base, error);
    }
    if (response.ok) return response;
    throw await problemIn(response, base);
  };
}

function queryText(query: Query = {}): string {
  const pairs = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
