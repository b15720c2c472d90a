import { sha256 } from "../../../core/ids.ts";

// LMDB keys are limited and CloudEvents attributes are not: what is longer than this is cut and
// carries its hash, which keeps it one key a value and keeps the order of prefixes up to the cut.
const MAX_PART = 400;

/** The value of an index entry whose key says it all. */
export const MARK = Buffer.from([0]);

/** 48 bits, big-endian: keys sort as positions do. */
export function positionKey(position: number): Buffer {
  const key = Buffer.allocUnsafe(6);
  key.writeUIntBE(position, 0, 6);
  return key;
}

export function positionOf(key: Uint8Array, offset = 0): number {
  return (
    (key[offset]! * 2 ** 8 + key[offset + 1]!) * 2 ** 32 +
    key[offset + 2]! * 2 ** 24 +
    ((key[offset + 3]! << 16) | (key[offset + 4]! << 8) | key[offset + 5]!)
  );
}

/** A name's number, then a position. */
export function namedPositionKey(name: number, position: number): Buffer {
  const key = Buffer.allocUnsafe(10);
  key.writeUInt32BE(name, 0);
  key.writeUIntBE(position, 4, 6);
  return key;
}

/** A name's number, then a time in milliseconds, then a position. */
export function dueKey(name: number, dueAt: number, position: number): Buffer {
  const key = Buffer.allocUnsafe(16);
  key.writeUInt32BE(name, 0);
  key.writeUIntBE(Math.min(Math.max(0, Math.floor(dueAt)), 2 ** 48 - 1), 4, 6);
  key.writeUIntBE(position, 10, 6);
  return key;
}

/** Bytes, then text: for keys that end in an id. */
export function idKey(prefix: readonly number[], id: string): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + Buffer.byteLength(id));
  key.set(prefix, 0);
  key.write(id, prefix.length);
  return key;
}

/** A name's number and a status, then an id. */
export function namedIdKey(name: number, status: number, id: string): Buffer {
  const key = Buffer.allocUnsafe(5 + Buffer.byteLength(id));
  key.writeUInt32BE(name, 0);
  key[4] = status;
  key.write(id, 5);
  return key;
}

/** A position, then an id. */
export function positionIdKey(position: number, id: string): Buffer {
  const key = Buffer.allocUnsafe(6 + Buffer.byteLength(id));
  key.writeUIntBE(position, 0, 6);
  key.write(id, 6);
  return key;
}

/** A name's number alone. */
export function nameKeyOf(name: number): Buffer {
  return Buffer.from(nameBytes(name));
}

/** The four bytes of a name's number. */
export function nameBytes(name: number): number[] {
  return [name >>> 24, (name >>> 16) & 0xff, (name >>> 8) & 0xff, name & 0xff];
}

/** `id` and `source` of an event. The length in front keeps one pair from being read as another. */
export function identityKey(id: string, source: string): Buffer {
  const idPart = part(id);
  const sourcePart = part(source);
  const key = Buffer.allocUnsafe(2 + idPart.length * 3 + sourcePart.length * 3);
  const idBytes = key.write(idPart, 2);
  key.writeUInt16BE(idBytes, 0);
  return key.subarray(0, 2 + idBytes + key.write(sourcePart, 2 + idBytes));
}

/** What every identity key of this id begins with. */
export function identityPrefix(id: string): Buffer {
  return identityKey(id, "");
}

/** A name of a kind. Names with a common beginning lie together, as far as the cut. */
export function nameKey(kind: number, name: string): Buffer {
  return idKey([kind], part(name));
}

/** What every key of a name with this beginning begins with. */
export function namePrefix(kind: number, prefix: string): Buffer {
  return idKey([kind], prefix.slice(0, MAX_PART));
}

/** The first key after all that begin with `prefix`; undefined where there is none. */
export function afterPrefix(prefix: Uint8Array): Buffer | undefined {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i -= 1) {
    if (end[i]! < 0xff) {
      end[i]! += 1;
      return end.subarray(0, i + 1);
    }
  }
  return undefined;
}

/** The first key after this one. */
export function behind(key: Uint8Array): Buffer {
  return Buffer.concat([key, Buffer.from([0])]);
}

function part(text: string): string {
  return text.length <= MAX_PART ? text : `${text.slice(0, MAX_PART)}\0${sha256(text)}`;
}
