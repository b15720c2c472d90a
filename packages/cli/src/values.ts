import { InvalidArgumentError } from "commander";
import {
  INVOCATION_STATUSES,
  type InvocationStatus,
} from "@nexus-functions/server/core/invocation";
import { parseDuration, parseSize } from "@nexus-functions/server/core/quantity";

// How the words on a command line become values. Each throws InvalidArgumentError with the rule and an
// example; commander says which option it was.

/** `5s`, as milliseconds. */
export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new InvalidArgumentError('It is not a duration (try "5s" or "1m30s").');
  return ms;
}

/** `128Mi`, as bytes. */
export function size(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw new InvalidArgumentError('It is not a size (try "128Mi").');
  return bytes;
}

/** A time, or how long ago: as RFC 3339. */
export function moment(text: string): string {
  const ago = parseDuration(text);
  if (ago !== undefined) return new Date(Date.now() - ago).toISOString();
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError(
      'It is neither a time nor an age (try "2026-01-31T12:00Z" or "10m").',
    );
  }
  return new Date(time).toISOString();
}

export function count(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It is not a whole number from ${min} to ${max}.`);
  };
}

export function status(text: string): InvocationStatus {
  const found = INVOCATION_STATUSES.find((one) => one === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`It is none of ${INVOCATION_STATUSES.join(", ")}.`);
}

/** The address of a server, without a path; `http://` may be left out. */
export function url(text: string): string {
  const full = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (!URL.canParse(full)) {
    throw new InvalidArgumentError('It is not a URL (try "http://127.0.0.1:8080").');
  }
  return new URL(full).origin;
}

/** Collects repeated `K=V`. */
export function variable(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined)
    throw new InvalidArgumentError('It is not NAME=VALUE (try "LOG_LEVEL=debug").');
  return { ...before, [name]: value! };
}

/** Collects repeated `host::guest`; `x` alone is `x::x`. */
export function directory(
  text: string,
  before: readonly { readonly path: string; readonly guest: string }[] = [],
): readonly { readonly path: string; readonly guest: string }[] {
  const at = text.indexOf("::");
  const path = at === -1 ? text : text.slice(0, at);
  const guest = at === -1 ? text : text.slice(at + 2);
  if (path === "" || guest === "" || guest.includes("\0")) {
    throw new InvalidArgumentError('It is not HOST::GUEST (try "./data::/data").');
  }
  return [...before, { path, guest }];
}

export function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`It is not JSON: ${(error as SyntaxError).message}`);
  }
}

/** `10%` or `0.1`: over 0 up to 1. */
export function share(text: string): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const found = Number(number ?? NaN) / (percent === "%" ? 100 : 1);
  if (found > 0 && found <= 1) return found;
  throw new InvalidArgumentError('It is not a share over 0 and up to 1 (try "10%" or "0.1").');
}

/** Collects repeated `PATH=VALUE`; the value is JSON, or a text that is none. */
export function assignment(
  text: string,
  before: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const [, path, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (path === undefined)
    throw new InvalidArgumentError('It is not PATH=VALUE (try "data.amount=0").');
  return { ...before, [path]: jsonOr(value!, value!) };
}

/** Collects repeated `N={…}`. */
export function answer(
  text: string,
  before: Readonly<Record<string, object>> = {},
): Readonly<Record<string, object>> {
  const [, number, json] = /^([1-9]\d*)=(.*)$/s.exec(text) ?? [];
  const value = json === undefined ? undefined : jsonOr(json, undefined);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError("It is not N={…} (try '2={\"status\":500}').");
  }
  return { ...before, [number!]: value };
}

function jsonOr(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}
