import { hash, randomFillSync } from "node:crypto";

// Random bytes are drawn in blocks: one system call for 512 ids.
const pool = Buffer.alloc(512 * 10);
let used = pool.length;
let lastMs = 0;
/** The time as an id begins with it: it stays the same for all of a millisecond's ids. */
let time = "";
let sequence = 0;

/**
 * A UUIDv7 (RFC 9562, section 5.7) for the given time in milliseconds since the Unix epoch. Ids made
 * by one process sort in the order they were made, within a millisecond too (section 6.2, method 1).
 */
export function uuidv7(nowMs: number): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const r = used;
  used += 10;
  const wholeMs = Math.floor(nowMs);
  if (wholeMs > lastMs) {
    begin(wholeMs);
    sequence = ((pool[r]! & 0x07) << 8) | pool[r + 1]!;
  } else {
    sequence += 1;
    if (sequence > 0xfff) {
      begin(lastMs + 1);
      sequence = 0;
    }
  }
  const version = (0x7000 | sequence).toString(16);
  pool[r + 2] = (pool[r + 2]! & 0x3f) | 0x80; // the variant
  const random = pool.toString("hex", r + 2, r + 10);
  return `${time}-${version}-${random.slice(0, 4)}-${random.slice(4)}`;
}

function begin(ms: number): void {
  lastMs = ms;
  const hex = ms.toString(16).padStart(12, "0");
  time = `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/**
 * The idempotency key a function sees for one event: the same for every attempt of the delivery and
 * for replays, different for every function.
 */
export function idempotencyKey(fn: string, source: string, eventId: string): string {
  return sha256(`${fn}\0${source}\0${eventId}`).slice(0, 32);
}

/** Lower-case hexadecimal sha256. */
export function sha256(bytes: Uint8Array | string): string {
  return hash("sha256", bytes, "hex");
}
