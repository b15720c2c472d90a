/**
 * What a run was given that another run of the same input would be given differently: clock readings,
 * random bytes and answers of the host, in the order in which they were taken. With it the run can be made again, bit for bit.
 * docs/recordings.md describes these bytes for those who read them without this code.
 */

/** The lowest three bits of an entry's first byte. All numbers are little-endian. */
export const TAPE = {
  /** Nanoseconds since the Unix epoch, as clock-readings.ts says. */
  realtime: 1,
  /** Nanoseconds of the monotonic clock, likewise. */
  monotonic: 2,
  /** Nanoseconds of processor time, likewise. */
  cpu: 3,
  /** Then 4 bytes, how many, and so many random bytes. */
  random: 4,
  /** Then 4 bytes, how many, and the 32 bytes of a key: the stream of AES-256-CTR from a counter of zero. */
  seed: 5,
  /** Then 4 bytes, how many follow, and those: a call that the host answered (taped-call.ts). */
  call: 6,
  /** Then 4 bytes, how many follow, and those: a secret that was asked for (taped-secret.ts). */
  secret: 7,
} as const;

export type TapeKind = keyof typeof TAPE;
export type ClockKind = "realtime" | "monotonic" | "cpu";

/** What a run does with its tape, as its seat says. */
export const TAPE_MODE = { none: 0, record: 1, replay: 2, follow: 3 } as const;

/** Readings of clocks that are kept, in bytes: some 20,000 of a run that does nothing else. */
export const MOST_CLOCK_BYTES = 65_536;
/** What stays, at most, of a tape that was too small: no run can follow it, and a first look at it is enough. */
export const KEPT_OF_FULL = 4_096;
/** Random bytes of one call that are kept as they are; more of them come from a seed that is. */
export const MOST_RANDOM_BYTES = 64;
export const SEED_BYTES = 32;

const NAMES = new Map<number, TapeKind>(
  Object.entries(TAPE).map(([name, kind]) => [kind, name as TapeKind]),
);

export function tapeKindName(kind: number): string {
  return NAMES.get(kind) ?? `something of kind ${kind}`;
}

/** What lies behind the first byte of every entry but a reading: how many bytes. */
export const COUNT_BYTES = 4;

/** An entry of a kind that has bytes behind it. `count`: how many there are, or how many come of them. */
export function countedEntry(kind: TapeKind, count: number, bytes: Uint8Array): Uint8Array {
  // From Node's pool: a buffer of its own costs more than all the rest of a note.
  const entry = Buffer.allocUnsafe(HEAD_BYTES + bytes.length);
  entry[0] = TAPE[kind];
  entry.writeUInt32LE(count, 1);
  entry.set(bytes, HEAD_BYTES);
  return entry;
}

const HEAD_BYTES = 1 + COUNT_BYTES;
