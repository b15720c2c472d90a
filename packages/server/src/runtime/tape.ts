/**
 * What a run was given that another run of the same input would be given differently: clock readings,
 * random bytes and answers of the host, in the order in which they were taken. With it the run can be made again, bit for bit.
 * docs/recordings.md describes these bytes for those who read them without this code.
 */

/** The first byte of an entry. All numbers are little-endian. */
export const TAPE = {
  /** Then 8 bytes: nanoseconds since the Unix epoch. */
  realtime: 1,
  /** Then 8 bytes: nanoseconds of the monotonic clock. */
  monotonic: 2,
  /** Then 8 bytes: nanoseconds of processor time. */
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

/** What a run does with its tape, as its seat says. */
export const TAPE_MODE = { none: 0, record: 1, replay: 2, follow: 3 } as const;

/** Random bytes of one call that are kept as they are; more of them come from a seed that is. */
export const MOST_RANDOM_BYTES = 64;
export const SEED_BYTES = 32;

const NAMES = new Map<number, TapeKind>(
  Object.entries(TAPE).map(([name, kind]) => [kind, name as TapeKind]),
);

export function tapeKindName(kind: number): string {
  return NAMES.get(kind) ?? `something of kind ${kind}`;
}

export interface TapeEntry {
  readonly kind: number;
  /** A clock reading, random bytes, a key, a call, a secret. */
  readonly bytes: Uint8Array;
  /** How many random bytes were given, or how many the call or secret has here. */
  readonly count: number;
  /** Where the next one begins. */
  readonly end: number;
}

/** The entry that begins at `at`; undefined: the tape has come to its end, or is none from here on. */
export function tapeEntry(tape: Uint8Array, at: number): TapeEntry | undefined {
  const kind = tape[at];
  if (kind === undefined || !NAMES.has(kind)) return undefined;
  const counted = kind >= TAPE.random;
  const from = at + 1 + (counted ? 4 : 0);
  if (from > tape.length) return undefined;
  const count = counted
    ? new DataView(tape.buffer, tape.byteOffset + at + 1).getUint32(0, true)
    : 0;
  const length = kind === TAPE.seed ? SEED_BYTES : counted ? count : 8;
  const end = from + length;
  return end > tape.length ? undefined : { kind, bytes: tape.subarray(from, end), count, end };
}
