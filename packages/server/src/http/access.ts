import { timingSafeEqual } from "node:crypto";
import { tokenHash, type ApiToken, type Scope } from "../core/api-token.ts";
import { NexusError } from "../core/errors.ts";

/** What a route asks of its caller. */
export type RouteScope = Scope | "public";

/** The tokens of a server. */
export interface Access {
  /** Those that the header `authorization` holds: none, one, or one of several scopes. */
  tokensIn(authorization: string): readonly ApiToken[];
}

export function createAccess(tokens: readonly ApiToken[]): Access {
  return {
    tokensIn(authorization) {
      const given = BEARER.exec(authorization)?.[1];
      if (given === undefined) return NONE;
      const sha256 = tokenHash(given);
      // All are compared: which one it is, or how much of one was right, takes no other time.
      return tokens.filter((token) => timingSafeEqual(token.sha256, sha256));
    },
  };
}

const NONE: readonly ApiToken[] = [];

/** Whether these cover what is needed. */
export function covers(tokens: readonly ApiToken[], needed: RouteScope): boolean {
  return needed === "public" || tokens.some(({ scope }) => scope === needed || scope === "admin");
}

// The scheme's letters may be of either case (RFC 9110, section 11.1).
const BEARER = /^bearer +([^ ]+)$/i;

export function missingToken(): NexusError {
  return unauthorized("there is no API token with it", "");
}

export function wrongToken(): NexusError {
  return unauthorized("the API token is not one of this server", ', error="invalid_token"');
}

function unauthorized(why: string, error: string): NexusError {
  return new NexusError("UNAUTHORIZED", `Cannot take this request: ${why}`, {
    details: { headers: { "www-authenticate": `Bearer realm="nexus"${error}` } },
  });
}

export function forbidden(needed: Scope): NexusError {
  const challenge = `Bearer realm="nexus", error="insufficient_scope", scope="${needed}"`;
  return new NexusError(
    "FORBIDDEN",
    `Cannot take this request: it needs an API token of scope "${needed}"`,
    { details: { headers: { "www-authenticate": challenge } } },
  );
}
