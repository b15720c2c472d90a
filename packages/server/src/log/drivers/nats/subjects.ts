import { hash } from "node:crypto";
import { literalPrefix } from "../../../core/pattern.ts";

/**
 * Text as one token of a NATS subject: as it is where it is short and plain, so that `nats` shows it
 * readably, else `~` and a hash. No plain text begins with `~` or `!`.
 */
export function token(text: string): string {
  return PLAIN.test(text) ? text : `~${shortHash(text)}`;
}

const PLAIN = /^[A-Za-z0-9_-]{1,64}$/;

/** 132 bits: as good as an identity. */
export function shortHash(text: string): string {
  return hash("sha256", text, "base64url").slice(0, 22);
}

// A subject travels in a control line of 4,096 bytes at most.
const MAX_TYPE = 180;
const MAX_PREFIX = 100;

/** An event type as tokens: `com.example.a b` becomes `com.example.a%20b`. Long ones end in a hash. */
export function typeTokens(type: string): string {
  const tokens = escaped(type);
  if (tokens.length <= MAX_TYPE) return tokens;
  return [...kept(tokens.split("."), MAX_TYPE), `~${shortHash(type)}`].join(".");
}

/** What every type that a pattern takes has in its subject; more may fit it than the pattern takes. */
export function typeFilter(pattern: string): string {
  if (!pattern.includes("*")) return typeTokens(pattern);
  const literal = literalPrefix(pattern);
  const whole = literal.slice(0, literal.lastIndexOf(".") + 1);
  // An event's own type may have been cut short, so that less than that is certain to be there.
  const tokens = whole === "" ? [] : kept(escaped(whole.slice(0, -1)).split("."), MAX_PREFIX);
  return [...tokens, ">"].join(".");
}

function escaped(type: string): string {
  return type
    .split(".")
    .map((part) => (part === "" ? "%" : part.replaceAll(UNSAFE, percent)))
    .join(".");
}

/** Text as one token, from which it can be read again. At most three times as long as its UTF-8. */
export function escapedToken(text: string): string {
  return text.replaceAll(UNSAFE_IN_TOKEN, percent);
}

export function unescapedToken(escaped: string): string {
  return decodeURIComponent(escaped);
}

const UNSAFE_IN_TOKEN = /[^\x21-\x7e]|[%*>.]/gu;

// White space, wildcards, our own marks, and all that is not ASCII.
const UNSAFE = /[^\x21-\x7e]|[%*>~!]/gu;

function percent(character: string): string {
  return Buffer.from(character).toString("hex").replaceAll(/../g, "%$&");
}

function kept(tokens: readonly string[], maxLength: number): string[] {
  const result: string[] = [];
  let length = 0;
  for (const each of tokens) {
    length += each.length + 1;
    if (length > maxLength) break;
    result.push(each);
  }
  return result;
}

/** The filters without those that another one covers: a server refuses a consumer whose filters overlap. */
export function withoutCovered(filters: readonly string[]): string[] {
  const distinct = [...new Set(filters)];
  return distinct.filter((one) => !distinct.some((other) => other !== one && covers(other, one)));
}

/** Whether every subject that `narrow` takes is one that `wide` takes. */
export function covers(wide: string, narrow: string): boolean {
  const theirs = narrow.split(".");
  const ours = wide.split(".");
  for (const [index, each] of ours.entries()) {
    if (each === ">") return theirs.length > index;
    const other = theirs[index];
    if (other === undefined || other === ">") return false;
    if (each !== "*" && each !== other) return false;
  }
  return ours.length === theirs.length;
}
