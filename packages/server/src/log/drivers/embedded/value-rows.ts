import type { StateRevision } from "../../state.ts";

/** A value as its row has it. */
export interface ValueRow {
  readonly value: Uint8Array;
  readonly revision: StateRevision;
  readonly expiresAt: number | undefined;
}

// A row: revision (8 bytes), when it is over (8 bytes, NaN: never), the value.
const EXPIRES_AT = 8;
const VALUE_AT = 16;

export function encodeValue({ value, revision, expiresAt = NaN }: ValueRow): Buffer {
  const row = Buffer.allocUnsafe(VALUE_AT + value.length);
  row.writeDoubleLE(revision, 0);
  row.writeDoubleLE(expiresAt, EXPIRES_AT);
  row.set(value, VALUE_AT);
  return row;
}

export function decodeValue(row: Buffer): ValueRow {
  const expiresAt = row.readDoubleLE(EXPIRES_AT);
  return {
    value: new Uint8Array(row.buffer, row.byteOffset + VALUE_AT, row.length - VALUE_AT),
    revision: row.readDoubleLE(0),
    expiresAt: Number.isNaN(expiresAt) ? undefined : expiresAt,
  };
}

export function isOver({ expiresAt }: ValueRow, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

/** A namespace has no byte 0. */
export function valueKey(namespace: string, key: string): Buffer {
  return Buffer.from(`${namespace}\0${key}`);
}

export interface ValuePlace {
  readonly namespace: string;
  readonly key: string;
}

export function keyOfValue(key: Buffer): ValuePlace {
  const end = key.indexOf(0);
  return { namespace: key.toString("utf8", 0, end), key: key.toString("utf8", end + 1) };
}

/** When it is over, then the value's key. */
export function expiryKey(expiresAt: number, key: Buffer): Buffer {
  const all = Buffer.allocUnsafe(6 + key.length);
  all.writeUIntBE(Math.min(Math.max(0, Math.floor(expiresAt)), 2 ** 48 - 1), 0, 6);
  key.copy(all, 6);
  return all;
}

/** `expiresAt` as far as the key has room for it. */
export function expiryOf(key: Buffer): { readonly at: ValuePlace; readonly expiresAt: number } {
  return { at: keyOfValue(key.subarray(6)), expiresAt: key.readUIntBE(0, 6) };
}
