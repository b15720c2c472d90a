import { z } from "zod";
import type { FetchGrant, Grants } from "../core/grants.ts";
import { parseDuration, parseSize } from "../core/quantity.ts";
import { count, duration, flag, section, size, text, wrong } from "./fields.ts";

const FETCH_DEFAULTS = {
  timeout: "10s",
  max_response: "256Ki",
  max_requests: 20,
  max_redirects: 5,
} as const;

const HOST = /^(?:\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

function hostFault(host: string): string | undefined {
  if (HOST.test(host)) return undefined;
  const rule = "is not a host: a name or an address, `*.` before it for all below it";
  const better = /^[a-z]+:\/\/([^/?#@]+)/i.exec(host)?.[1];
  return `${rule}, and a port behind it${better === undefined ? "" : ` (try "${better}")`}`;
}

const fetchSchema = section(
  {
    allow: z
      .array(text("a host", "api.example.com", hostFault), {
        error: wrong("a list of hosts", "[api.example.com]"),
      })
      .min(1, { error: "has no host (try [api.example.com])" })
      .max(100, { error: "has more than 100 hosts" })
      .meta({
        title: "Allowed hosts",
        description:
          "Hosts it may ask: `api.example.com`, `*.example.org` for all names below that one, `*` for any. Without a port, those of http and https.",
        examples: [["api.example.com", "*.example.org:8443"]],
      }),
    allow_private: flag({
      title: "Private addresses",
      description:
        "Whether those hosts may be this machine or in a private network, which a function can then reach from inside.",
      default: false,
    }).optional(),
    timeout: duration("1ms", "15m", {
      title: "Timeout",
      description: "Longest time of one request, redirects included.",
      default: FETCH_DEFAULTS.timeout,
    }).optional(),
    max_response: size("1", "64Mi", {
      title: "Largest answer",
      description:
        "Of an answer's body. A run that is given more than 1Mi in all cannot be replayed.",
      default: FETCH_DEFAULTS.max_response,
    }).optional(),
    max_requests: count(1, 10_000, {
      title: "Requests",
      description: "Requests that one run may make.",
      default: FETCH_DEFAULTS.max_requests,
    }).optional(),
    max_redirects: count(0, 20, {
      title: "Redirects",
      description:
        "Redirects followed for one request, each to an allowed host; 0: the redirect is the answer.",
      default: FETCH_DEFAULTS.max_redirects,
    }).optional(),
  },
  "{ allow: [api.example.com] }",
).meta({
  title: "Fetch",
  description: "Lets the function make HTTP requests (`fetch`), to these hosts alone.",
  examples: [{ allow: ["api.example.com"] }],
});

const SECRET_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** The rule that this name of a secret breaks, in words that follow it; undefined for a good one. */
export function secretNameFault(name: string): string | undefined {
  if (SECRET_NAME.test(name)) return undefined;
  return "is not a secret's name: letters, digits and underscores, no digit in front, at most 64";
}

const secretsSchema = z
  .array(text("a secret's name", "API_KEY", secretNameFault), {
    error: wrong("a list of names", "[API_KEY]"),
  })
  .max(100, { error: "has more than 100 names" })
  .meta({
    title: "Secrets",
    description:
      "Secrets the function may read (`secret_get`). Their values come from the server's environment (`NEXUS_SECRET_API_KEY`) or from files in its directory of secrets.",
    examples: [["API_KEY"]],
  });

/** What a function may ask of the host: said by each for itself, and by no `defaults`. */
export const grantsShape = {
  kv: flag({
    title: "Key-value store",
    description:
      "Lets the function keep values by key (`kv_get`, `kv_set` and so on), its own alone.",
    default: false,
  }).optional(),
  fetch: fetchSchema.optional(),
  secrets: secretsSchema.optional(),
};

type GrantsConfig = {
  readonly [Key in keyof typeof grantsShape]?: z.infer<(typeof grantsShape)[Key]>;
};

/** Undefined where there is none: versions without grants keep the names they had. */
export function grantsOf({ kv, fetch, secrets = [] }: GrantsConfig): Grants | undefined {
  const grants: Grants = {
    ...(kv === true ? { kv } : {}),
    ...(fetch === undefined ? {} : { fetch: fetchGrant(fetch) }),
    ...(secrets.length === 0 ? {} : { secrets: [...new Set(secrets)].sort() }),
  };
  return Object.keys(grants).length === 0 ? undefined : grants;
}

function fetchGrant(config: z.infer<typeof fetchSchema>): FetchGrant {
  const { allow, allow_private, timeout, max_response, max_requests, max_redirects } = {
    ...FETCH_DEFAULTS,
    ...config,
  };
  return {
    allow: allow.map((host) => host.toLowerCase()),
    ...(allow_private === true ? { allowPrivate: true } : {}),
    timeoutMs: parseDuration(timeout ?? FETCH_DEFAULTS.timeout)!,
    responseBytes: bytes(max_response ?? FETCH_DEFAULTS.max_response),
    requests: max_requests ?? FETCH_DEFAULTS.max_requests,
    redirects: max_redirects ?? FETCH_DEFAULTS.max_redirects,
  };
}

function bytes(value: string | number): number {
  return typeof value === "number" ? value : parseSize(value)!;
}
