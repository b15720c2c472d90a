import type { ApiToken } from "../core/api-token.ts";
import { NexusError } from "../core/errors.ts";
import type { Rate, RateLimitSettings } from "../core/settings.ts";
import type { RateLimit } from "../telemetry/telemetry.ts";
import { forbidden, missingToken, wrongToken, type RouteScope } from "./access.ts";
import { Buckets, type Taken } from "./buckets.ts";
import type { Caller } from "./caller.ts";

/** What operators and their machines ask, whatever else goes on. */
const EXEMPT: ReadonlySet<string> = new Set(["/livez", "/readyz", "/health", "/metrics"]);

/** Whether requests for this path are not limited in number. */
export function isExempt(path: string): boolean {
  return EXEMPT.has(path);
}

/** How many addresses are known by their last requests, twice over; each takes about 150 bytes. */
const MOST_ADDRESSES = 50_000;

export type Headers = Readonly<Record<string, string>>;

export interface DoorDeps {
  /** Whether a token is asked for. */
  readonly guarded: boolean;
  readonly settings: () => RateLimitSettings;
  /** Told of each request that a limit refused. */
  readonly limited: (limit: RateLimit) => void;
}

/** Who comes in: how often, and with which token. */
export class Door {
  readonly #guarded: boolean;
  readonly #settings: () => RateLimitSettings;
  readonly #limited: (limit: RateLimit) => void;
  readonly #ofTokens = new Buckets<ApiToken>(Infinity); // as many as there are tokens
  readonly #ofAddresses = new Buckets<string>(MOST_ADDRESSES);
  readonly #wrongTokens = new Buckets<string>(MOST_ADDRESSES);
  readonly #familiar = new WeakMap<ApiToken, Set<string>>();

  constructor({ guarded, settings, limited }: DoorDeps) {
    this.#guarded = guarded;
    this.#settings = settings;
    this.#limited = limited;
  }

  /**
   * Counts a request of this client. RATE_LIMITED where it has asked too often. What is returned are
   * headers of the answer; undefined: no limit holds for it. `nowMs` is of a clock that never goes back.
   */
  admit(caller: Caller, path: string, nowMs: number): Headers | undefined {
    const { requests } = this.#settings();
    if (requests === undefined || EXEMPT.has(path)) return undefined;
    const [token] = caller.tokens;
    const taken =
      token === undefined
        ? this.#ofAddresses.take(caller.address, nowMs, requests)
        : this.#ofTokens.take(token, nowMs, requests);
    const headers = standing(requests, taken);
    if (taken.taken) return headers;
    this.#limited("requests");
    throw tooMany("this client has sent too many requests", taken.waitMs, headers);
  }

  /** UNAUTHORIZED or FORBIDDEN; RATE_LIMITED where too many wrong tokens have come from the address. */
  check(caller: Caller, needed: RouteScope, nowMs: number): void {
    if (needed === "public" || !this.#guarded) return;
    if (caller.isAnonymous) throw missingToken();
    const [token] = caller.tokens;
    this.#checkGuesses(caller, token, nowMs);
    if (token === undefined) throw wrongToken();
    if (!caller.may(needed)) throw forbidden(needed);
  }

  /**
   * A guess must not learn that it is right. So an address that has sent too many wrong tokens is refused
   * whatever it sends, but for tokens that came from there before: whoever shares an address with one who
   * guesses goes on working.
   */
  #checkGuesses({ address }: Caller, token: ApiToken | undefined, nowMs: number): void {
    const { wrongTokens: rate } = this.#settings();
    if (rate === undefined) return;
    if (token === undefined) {
      const { taken, waitMs } = this.#wrongTokens.take(address, nowMs, rate);
      if (!taken) this.#refuseGuess(waitMs);
      return;
    }
    if (this.#isFamiliar(token, address)) return;
    const waitMs = this.#wrongTokens.waitMs(address, nowMs, rate);
    if (waitMs > 0) this.#refuseGuess(waitMs);
    this.#remember(token, address);
  }

  #refuseGuess(waitMs: number): never {
    this.#limited("wrong_tokens");
    throw tooMany("too many wrong API tokens have come from its address", waitMs, {});
  }

  #isFamiliar(token: ApiToken, address: string): boolean {
    return this.#familiar.get(token)?.has(address) === true;
  }

  // Only who has a right token gets here: these sets are not for strangers to fill.
  #remember(token: ApiToken, address: string): void {
    let addresses = this.#familiar.get(token);
    if (addresses === undefined || addresses.size >= MOST_ADDRESSES) {
      addresses = new Set();
      this.#familiar.set(token, addresses);
    }
    addresses.add(address);
  }
}

/** As draft-ietf-httpapi-ratelimit-headers has them: the quota of a window, and what is left of it. */
function standing({ perSecond, burst }: Rate, { left, fullMs }: Taken): Headers {
  return {
    "ratelimit-policy": `"requests";q=${burst};w=${Math.ceil(burst / perSecond)}`,
    ratelimit: `"requests";r=${left};t=${Math.ceil(fullMs / 1000)}`,
  };
}

function tooMany(why: string, waitMs: number, headers: Headers): NexusError {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new NexusError("RATE_LIMITED", `Cannot take this request: ${why}`, {
    details: { headers: { "retry-after": String(seconds), ...headers } },
  });
}
