import { timingSafeEqual } from "node:crypto";
import { tokenHash, type ApiToken, type Scope } from "../core/api-token.ts";
import { NexusError } from "../core/errors.ts";

/** What a route asks of its caller. */
export type RouteScope = Scope | "public";

/** Who may call what, by the tokens of this server. */
export interface Access {
  /** `authorization` is the header. UNAUTHORIZED, or FORBIDDEN where the token's scope is too small. */
  check(authorization: string | undefined, needed: RouteScope): void;
  /** Whether the header holds a token of this server. */
  knows(authorization: string): boolean;
}

export function createAccess(tokens: readonly ApiToken[]): Access {
  function scopesOf(authorization: string): readonly Scope[] {
    const given = BEARER.exec(authorization)?.[1];
    if (given === undefined) return [];
    const sha256 = tokenHash(given);
    // All are compared: which one it is, or how much of one was right, takes no other time.
    return tokens
      .filter((token) => timingSafeEqual(token.sha256, sha256))
      .map(({ scope }) => scope);
  }

  return {
    check(authorization, needed) {
      if (needed === "public") return;
      if (authorization === undefined) throw unauthorized("there is no API token with it", "");
      const scopes = scopesOf(authorization);
      if (scopes.length === 0) {
        throw unauthorized("the API token is not one of this server", ', error="invalid_token"');
      }
      if (!scopes.includes(needed) && !scopes.includes("admin")) throw forbidden(needed);
    },
    knows: (authorization) => scopesOf(authorization).length > 0,
  };
}

// The scheme's letters may be of either case (RFC 9110, section 11.1).
const BEARER = /^bearer +([^ ]+)$/i;

function unauthorized(why: string, error: string): NexusError {
  return new NexusError("UNAUTHORIZED", `Cannot take this request: ${why}`, {
    details: { headers: { "www-authenticate": `Bearer realm="nexus"${error}` } },
  });
}

function forbidden(needed: Scope): NexusError {
  const challenge = `Bearer realm="nexus", error="insufficient_scope", scope="${needed}"`;
  return new NexusError(
    "FORBIDDEN",
    `Cannot take this request: it needs an API token of scope "${needed}"`,
    { details: { headers: { "www-authenticate": challenge } } },
  );
}
