// What the HTTP door costs a request, by itself: rate limits off and on, and the check of a token.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createAccess } from "@nexus-functions/server/http/access";
import { Caller } from "@nexus-functions/server/http/caller";
import { addressReader } from "@nexus-functions/server/http/client-address";
import { Door } from "@nexus-functions/server/http/door";
import type { HttpRequest } from "@nexus-functions/server/http/http";
import { tokenHash } from "@nexus-functions/server/core/api-token";
import type { TrustedProxies } from "@nexus-functions/server/core/proxies";
import { requestRate, type RateLimitSettings } from "@nexus-functions/server/core/settings";
import { median, type Figure } from "./figures.ts";

const REQUESTS = 200_000;
const TOKEN = "bench-0123456789abcdef";
const OFF: RateLimitSettings = {};
// Never reached: a refusal costs an error, and its answer.
const ON: RateLimitSettings = { requests: requestRate(1_000_000) };
const CLIENTS = Array.from({ length: 1000 }, (_, n) => `192.0.${n >> 8}.${n & 255}`);

interface Way {
  readonly name: string;
  readonly settings: RateLimitSettings;
  readonly token?: string;
  readonly proxies?: TrustedProxies;
  readonly aim?: number;
}

const PROXY = { address: "10.0.0.0", prefix: 8, family: "ipv4" } as const;
const WAYS: readonly Way[] = [
  { name: "door: no limit, no tokens", settings: OFF, aim: 0.2 },
  { name: "door: limit by address", settings: ON, aim: 1 },
  { name: "door: limit by address, told by a proxy", settings: ON, proxies: [PROXY] },
  { name: "door: no limit, a token checked", settings: OFF, token: TOKEN },
  { name: "door: limit by token, the token checked", settings: ON, token: TOKEN },
];

/** Microseconds a request, beside nothing: other requests do not have to wait for a socket here. */
export async function door(rounds: number): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const way of WAYS) {
    const once = rounding(way);
    once(); // warm before anything counts
    const times = Array.from({ length: rounds }, once);
    figures.push({
      name: way.name,
      value: median(times),
      unit: "µs a request",
      ...(way.aim === undefined ? {} : { aim: { atMost: way.aim } }),
    });
  }
  figures.push(bytesAnAddress());
  return figures;
}

function rounding({ settings, token, proxies }: Way): () => number {
  const access =
    token === undefined ? undefined : createAccess([{ scope: "read", sha256: tokenHash(token) }]);
  const addressOf = addressReader(proxies);
  const entrance = new Door({
    guarded: access !== undefined,
    settings: () => settings,
    limited: () => undefined,
  });
  const requests = CLIENTS.map((client) =>
    requestOf(client, { token, proxied: proxies !== undefined }),
  );
  return () => {
    let told = 0;
    const begun = performance.now();
    for (let n = 0; n < REQUESTS; n += 1) {
      const now = performance.now(); // as the app asks once a request, for its own metrics
      const caller = new Caller(requests[n % requests.length]!, access, addressOf);
      told += entrance.admit(caller, "/events", now)?.["ratelimit"]?.length ?? 1;
      entrance.check(caller, "read", now);
    }
    const clock = performance.now();
    for (let n = 0; n < REQUESTS; n += 1) performance.now();
    const ended = performance.now();
    if (told < REQUESTS) throw new Error("Cannot measure the door: it told nothing");
    return ((clock - begun - (ended - clock)) * 1000) / REQUESTS;
  };
}

function requestOf(
  client: string,
  { token, proxied }: { readonly token: string | undefined; readonly proxied: boolean },
): HttpRequest {
  return {
    method: "GET",
    path: "/events",
    query: "",
    address: proxied ? "10.0.0.1" : client,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(proxied ? { "x-forwarded-for": client } : {}),
    },
    body: () => Promise.reject(new Error("there is none")),
    signal: AbortSignal.abort(),
  };
}

/** What a flood of addresses leaves behind, at its worst. */
function bytesAnAddress(): Figure {
  const entrance = new Door({ guarded: false, settings: () => ON, limited: () => undefined });
  const addressOf = addressReader(undefined);
  const before = heapUsed();
  for (let n = 0; n < 1_000_000; n += 1) {
    const address = `2001:db8:${(n >> 16).toString(16)}:${(n & 65_535).toString(16)}::1`;
    const request = requestOf(address, { token: undefined, proxied: false });
    entrance.admit(new Caller(request, undefined, addressOf), "/events", 0);
  }
  const kept = heapUsed() - before;
  const last = requestOf("192.0.2.1", { token: undefined, proxied: false });
  entrance.admit(new Caller(last, undefined, addressOf), "/events", 0); // it was in use until here
  return {
    name: "door: a million addresses at once",
    value: kept / 2 ** 20,
    unit: "MiB of heap",
    aim: { atMost: 32 },
  };
}

function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}
