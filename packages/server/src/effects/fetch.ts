import type { FetchGrant } from "../core/grants.ts";
import type { ERRNO } from "../runtime/errno.ts";
import type { HostAnswer, HostCall } from "../runtime/host-calls.ts";
import { isPublicAddress } from "./addresses.ts";
import { allowsUrl } from "./allowed-hosts.ts";
import { answered, refused } from "./answers.ts";
import { NotPublic, send, TooLarge, type Received, type Resolve } from "./http-request.ts";
import { answerText, parseHead, type RequestHead } from "./http-text.ts";

export interface FetchOptions {
  readonly grant: FetchGrant;
  /** Of the run; each request gets one of its own from it. */
  readonly idempotencyKey: string;
  /** The run's own span. */
  readonly traceparent: string;
  /** Names to addresses: the system's, unless told. */
  readonly resolve?: Resolve;
  /** Which addresses are of the open internet: isPublicAddress, unless told. */
  readonly isPublic?: (address: string) => boolean;
}

const utf8 = new TextDecoder();

/** The requests of one run: to hosts that nexus.yaml allows, and as many as it allows. */
export class Fetches {
  readonly #options: FetchOptions;
  #made = 0;

  constructor(options: FetchOptions) {
    this.#options = options;
  }

  /** Answers `fetch`. */
  async answer({ parts }: HostCall, signal: AbortSignal): Promise<HostAnswer> {
    const { grant } = this.#options;
    const [request, headers, body] = parts;
    const head = parseHead(utf8.decode(request), utf8.decode(headers));
    if (typeof head === "string") return refused("inval", head);
    if (this.#made >= grant.requests) {
      return refused("dquot", `a run may make ${grant.requests} requests, and has made them`);
    }
    this.#made += 1;
    const timeout = AbortSignal.timeout(grant.timeoutMs);
    try {
      return await this.#follow(
        { head: this.#withOurs(head), body: body! },
        AbortSignal.any([signal, timeout]),
      );
    } catch (error) {
      if (timeout.aborted) {
        return refused("timedout", `it took longer than its ${grant.timeoutMs} ms`);
      }
      return failure(error, signal);
    }
  }

  #withOurs({ headers, ...head }: RequestHead): RequestHead {
    const { idempotencyKey, traceparent } = this.#options;
    const ours = [["traceparent", traceparent]] as [string, string][];
    if (!headers.some(([name]) => name === "idempotency-key")) {
      // Two requests of one run are two effects; the same one of a later attempt is the same effect.
      ours.push(["idempotency-key", `${idempotencyKey}-${this.#made}`]);
    }
    return { ...head, headers: [...headers, ...ours] };
  }

  async #follow(first: Request, signal: AbortSignal): Promise<HostAnswer> {
    const { grant, resolve, isPublic = isPublicAddress } = this.#options;
    const mayConnect = grant.allowPrivate === true ? () => true : isPublic;
    let { head, body } = first;
    for (let redirects = 0; ; redirects += 1) {
      if (!allowsUrl(grant.allow, head.url)) {
        const what = redirects === 0 ? "" : "a redirect leads to ";
        return refused("acces", `${what}"${head.url.host}", which is not in \`fetch.allow\``);
      }
      const received = await send(
        { ...head, body },
        { maxBytes: grant.responseBytes, mayConnect, resolve },
        signal,
      );
      const target = redirectOf(received, head.url);
      if (target === undefined || grant.redirects === 0) {
        return answered(answerText(received.status, received.rawHeaders, received.body));
      }
      if (redirects === grant.redirects) {
        return refused("loop", `it was redirected more than ${grant.redirects} times`);
      }
      const next = redirected({ head, body }, received.status, target);
      if (typeof next === "string") return refused("acces", next);
      ({ head, body } = next);
    }
  }
}

interface Request {
  readonly head: RequestHead;
  readonly body: Uint8Array;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

function redirectOf({ status, location }: Received, from: URL): URL | undefined {
  if (!REDIRECTS.has(status) || location === undefined) return undefined;
  return URL.parse(location, from) ?? undefined;
}

/** The request that a redirect asks for, as browsers make it; in words why it is not made. */
function redirected({ head, body }: Request, status: number, url: URL): Request | string {
  const { method, url: from, headers } = head;
  if (url.protocol !== "https:" && (url.protocol !== "http:" || from.protocol === "https:")) {
    return `a redirect leads from ${from.protocol}// to ${url.protocol}//`;
  }
  if (url.username !== "" || url.password !== "") return "a redirect's URL has a user name";
  const becomesGet =
    (status === 303 && method !== "GET" && method !== "HEAD") ||
    ((status === 301 || status === 302) && method === "POST");
  const kept = headers.filter(
    ([name]) =>
      !(becomesGet && name.startsWith("content-")) &&
      !(url.origin !== from.origin && FOR_ONE_ORIGIN.has(name)),
  );
  return {
    head: { method: becomesGet ? "GET" : method, url, headers: kept },
    body: becomesGet ? NOTHING : body,
  };
}

const NOTHING = new Uint8Array(0);
/** What lets somebody in is not shown to another server. */
const FOR_ONE_ORIGIN: ReadonlySet<string> = new Set(["authorization", "cookie"]);

const ERRNOS: Readonly<Record<string, keyof typeof ERRNO>> = {
  ECONNREFUSED: "connrefused",
  ECONNRESET: "connreset",
  EAI_AGAIN: "hostunreach",
  EHOSTUNREACH: "hostunreach",
  ENETUNREACH: "hostunreach",
  ENOTFOUND: "hostunreach",
};

function failure(error: unknown, signal: AbortSignal): HostAnswer {
  if (!(error instanceof Error)) throw error;
  if (signal.aborted) return refused("canceled", "the run has ended");
  if (error instanceof NotPublic) return refused("acces", error.message);
  if (error instanceof TooLarge) return refused("msgsize", error.message);
  // Whatever the network does has a code; what has none is a bug.
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code === undefined) throw error;
  return refused(ERRNOS[code] ?? "io", error.message === "" ? code : error.message);
}
