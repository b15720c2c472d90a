import type { WrittenToken } from "@nexus-functions/server/core/api-token";
import { isLoopback } from "@nexus-functions/server/core/loopback";
import { counted } from "../../text.ts";
import { bad, doubtful, good, type Check, type Verdict } from "./check.ts";
import type { Setup } from "./setup.ts";

const TOKENS_PAGE = "docs/configuration.md, API tokens";

/** Who may come in. */
export const ACCESS_CHECKS: readonly Check[] = [
  {
    name: "api-token",
    wants: "API tokens are set; the same on all nodes where there are several",
    look: apiToken,
  },
  {
    name: "token-strength",
    wants: "each token is long, random, and no placeholder",
    look: ({ tokens }) => strength(writtenIn(tokens)),
  },
  {
    name: "token-scopes",
    wants: "who publishes or reads has a token that does no more",
    look: ({ tokens }) => scopes(writtenIn(tokens)),
  },
  {
    name: "token-file",
    wants: "nobody but the server's user and group may read the file with the tokens",
    look: ({ tokens }) => (tokens.from === "file" ? fileMode(tokens.path, tokens.mode) : undefined),
  },
  { name: "tls", wants: "beyond loopback a proxy with TLS stands in front", look: tls },
  { name: "rate-limit", wants: "requests of one client are limited", look: rateLimit },
  {
    name: "wrong-tokens",
    wants: "wrong tokens from one address are limited",
    look: ({ project }) =>
      project === undefined
        ? undefined
        : project.platform.rateLimit.wrongTokens === undefined
          ? bad("as many as somebody likes to guess", "Leave `rate_limit.wrong_tokens` out.")
          : good(`${project.platform.rateLimit.wrongTokens.burst} a minute from one address`),
  },
  {
    name: "open-triggers",
    wants: "HTTP triggers that anybody may call are meant to be so: they are listed",
    look: openTriggers,
  },
];

function apiToken({ tokens, config: { host }, nats }: Setup): Verdict {
  switch (tokens.from) {
    case "environment":
    case "file":
      return good(`${counted(tokens.written.length, "token")}, ${placeOf(tokens)}`);
    case "unreadable file":
      return bad(`${tokens.path} cannot be used: ${tokens.why}`, `See ${TOKENS_PAGE}.`);
    case "first start":
      return nats === undefined
        ? good("made at the first start; the data directory has its hash")
        : bad(
            "made at the first start, and another one on each node",
            "Set the same NEXUS_API_TOKEN or NEXUS_API_TOKEN_FILE on all of them.",
          );
    case "nowhere":
      return isLoopback(host)
        ? doubtful(
            `none on ${host}: whoever is on this machine may do everything`,
            "Set NEXUS_API_TOKEN_FILE.",
          )
        : bad(
            `none is set, and the server would listen on ${host}: it would make one, and show it once`,
            "Set NEXUS_API_TOKEN_FILE, or NEXUS_API_TOKEN: `openssl rand -hex 32` makes one.",
          );
  }
}

function placeOf(tokens: Setup["tokens"]): string {
  return tokens.from === "file" ? `in ${tokens.path}` : "in NEXUS_API_TOKEN";
}

function writtenIn(tokens: Setup["tokens"]): readonly WrittenToken[] {
  return tokens.from === "file" || tokens.from === "environment" ? tokens.written : [];
}

// Six letters and more: shorter words stand in random tokens by chance.
const PLACEHOLDER = /change|replace|secret|password|example|default/i;
const ENOUGH_BITS = 128;

function strength(written: readonly WrittenToken[]): Verdict | undefined {
  if (written.length === 0) return undefined;
  const weak = written.flatMap(({ token }, index) => {
    const placeholder = PLACEHOLDER.exec(token)?.[0];
    if (placeholder !== undefined) {
      return [`token ${index + 1} holds "${placeholder.toLowerCase()}"`];
    }
    return bitsOf(token) < ENOUGH_BITS
      ? [`token ${index + 1} has ${Math.floor(bitsOf(token))} bits at most`]
      : [];
  });
  return weak.length === 0
    ? good(`at least ${ENOUGH_BITS} bits each, as far as can be seen`)
    : bad(weak.join("; "), "Make it at random: `openssl rand -hex 32`.");
}

/** No token holds more than if each character was drawn from those that it has. */
function bitsOf(token: string): number {
  return token.length * Math.log2(new Set(token).size);
}

function scopes(written: readonly WrittenToken[]): Verdict | undefined {
  if (written.length === 0) return undefined;
  const found = [...new Set(written.map(({ scope }) => scope))].sort();
  return found.some((scope) => scope !== "admin")
    ? good(found.join(", "))
    : doubtful(
        "admin only: whoever publishes or scrapes /metrics may do everything",
        "Give publishers `publish:<token>` and Prometheus `read:<token>`, beside yours.",
      );
}

function fileMode(path: string, mode: number): Verdict {
  const shown = `${path} has mode ${mode.toString(8).padStart(4, "0")}`;
  return (mode & 0o007) === 0 && (mode & 0o020) === 0
    ? good(shown)
    : bad(shown, `chmod 0400 ${path} (Kubernetes: \`defaultMode: 0440\` of the volume)`);
}

function tls({ config, url }: Setup): Verdict {
  const { host, trustedProxies } = config;
  if (url.startsWith("https:")) return good(`${url} is TLS`);
  if (isLoopback(host)) return good(`${host} does not leave this machine`);
  if (trustedProxies !== undefined) {
    return good("behind proxies (NEXUS_TRUSTED_PROXIES): see that they take TLS only");
  }
  return doubtful(
    `the server speaks plain HTTP on ${host}: tokens can be read on the way`,
    "Put a proxy with TLS in front, set NEXUS_TRUSTED_PROXIES, and check with --url https://….",
  );
}

function rateLimit({ project, config }: Setup): Verdict | undefined {
  const perSecond = config.rateLimit ?? project?.platform.rateLimit.requests?.perSecond;
  if (perSecond !== undefined) return good(`${perSecond} requests a second of one client`);
  if (project === undefined && config.configFile !== undefined) return undefined;
  return doubtful(
    "one client may take all of the server",
    "Set `rate_limit.requests` or NEXUS_RATE_LIMIT, well above your busiest client, or limit at the proxy.",
  );
}

function openTriggers({ project }: Setup): Verdict | undefined {
  if (project === undefined) return undefined;
  const open = project.functions.flatMap(({ name, triggers }) =>
    triggers.flatMap((trigger) =>
      trigger.kind === "http" && trigger.auth !== "required"
        ? [`${trigger.method} ${trigger.path} (${name})`]
        : [],
    ),
  );
  return open.length === 0
    ? good("none: every HTTP trigger asks for a token, or there are none")
    : doubtful(
        `anybody may call ${open.join(", ")}`,
        "Add `auth: required` where that is not meant.",
      );
}
