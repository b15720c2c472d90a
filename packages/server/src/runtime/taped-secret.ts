import { hash } from "node:crypto";

/**
 * A secret on a tape: whether there was one (1 byte), a salt (16), the sha256 of salt and value (32), and the
 * rest is its name. The value itself is on no tape: a replay is given the present one, and has to be given
 * the same.
 */
export const SALT_BYTES = 16;
const HASH_BYTES = 32;
const HEAD_BYTES = 1 + SALT_BYTES + HASH_BYTES;

export function encodeSecret(
  name: string,
  value: Uint8Array | undefined,
  salt: Uint8Array,
): Uint8Array {
  const proof = hash("sha256", Buffer.concat([salt, value ?? NOTHING]), "buffer");
  return Buffer.concat([
    Uint8Array.of(value === undefined ? 0 : 1),
    salt,
    proof,
    utf8.encode(name),
  ]);
}

/** Whether the entry says that this was given under this name; undefined: it was another name, or is no entry. */
export function secretWas(
  entry: Uint8Array,
  name: string,
  value: Uint8Array | undefined,
): boolean | undefined {
  if (secretName(entry) !== name) return undefined;
  const salt = entry.subarray(1, 1 + SALT_BYTES);
  return Buffer.compare(encodeSecret(name, value, salt), entry) === 0;
}

/** Undefined: it is none. */
export function secretName(entry: Uint8Array): string | undefined {
  return entry.length < HEAD_BYTES ? undefined : decoder.decode(entry.subarray(HEAD_BYTES));
}

const NOTHING = new Uint8Array(0);
const utf8 = new TextEncoder();
const decoder = new TextDecoder();
