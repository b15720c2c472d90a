import { hash, randomBytes } from "node:crypto";

/** What a token may do; `admin` covers the others. */
export const SCOPES = ["read", "publish", "admin"] as const;

export type Scope = (typeof SCOPES)[number];

/** A token as the server knows it: enough to check one, not to send one. */
export interface ApiToken {
  readonly scope: Scope;
  readonly sha256: Uint8Array;
}

/** A token as it was written: `scope:token`, or a token alone, which is `admin`. */
export interface WrittenToken {
  readonly scope: Scope;
  readonly token: string;
}

/** In the data directory: the hash of the token that was made at a first start. */
export const KEPT_TOKEN = "api-token.sha256";

// What RFC 6750, section 2.1, lets a bearer token be made of: no colon, so a scope in front is plain to see.
const TOKEN = /^[\w.~+/-]+=*$/;
const MIN_LENGTH = 16;
const MAX_LENGTH = 1024;

/**
 * The tokens in a text, with spaces, line breaks or commas between them. A string is what is wrong with
 * it: the rule, and never the token.
 */
export function readTokens(text: string): readonly WrittenToken[] | string {
  const written = text.split(/[\s,]+/).filter((one) => one !== "");
  if (written.length === 0) return "holds no token";
  const tokens: WrittenToken[] = [];
  for (const [index, one] of written.entries()) {
    const [, prefix, token] = /^(?:([^:]*):)?(.*)$/s.exec(one)!;
    const scope = prefix === undefined ? "admin" : SCOPES.find((known) => known === prefix);
    const fault =
      scope === undefined ? `has a scope that is none of ${SCOPES.join(", ")}` : faultOf(token!);
    if (fault !== undefined) return `is not valid: token ${index + 1} ${fault}`;
    tokens.push({ scope: scope!, token: token! });
  }
  return tokens;
}

function faultOf(token: string): string | undefined {
  if (token.length < MIN_LENGTH || token.length > MAX_LENGTH) {
    return `must have ${MIN_LENGTH} to ${MAX_LENGTH} characters`;
  }
  return TOKEN.test(token)
    ? undefined
    : "must be letters, digits and any of -._~+/, with = at its end only";
}

/** What is kept of a token. Tokens are random and long: a plain hash cannot be searched. */
export function tokenHash(token: string): Uint8Array {
  return hash("sha256", token, "buffer");
}

/** What a server knows of a written token. */
export function asKnown({ scope, token }: WrittenToken): ApiToken {
  return { scope, sha256: tokenHash(token) };
}

/** A fresh token: 256 random bits. */
export function newToken(): string {
  return randomBytes(32).toString("base64url");
}
