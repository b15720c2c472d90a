/**
 * The way of a guest thread to files of the host: one question at a time, in memory that both threads
 * see. Both sleep in Atomics.wait while it is the other's turn, so neither needs an event loop. Used by
 * `nexus invoke` only; a server's guests have no such way.
 */

export const ASK = {
  stat: 1,
  setTimes: 2,
  sync: 3,
  close: 4,
  entries: 5,
  statAt: 6,
  setTimesAt: 7,
  openDirectory: 8,
  openFile: 9,
  readLink: 10,
  createDirectory: 11,
  removeDirectory: 12,
  unlink: 13,
  symlink: 14,
  link: 15,
  rename: 16,
  read: 17,
  write: 18,
  setSize: 19,
  allocate: 20,
  readStream: 21,
  writeStream: 22,
  streamReady: 23,
  reopen: 24,
} as const;

export type Ask = (typeof ASK)[keyof typeof ASK];

/** Whose turn it is. `closed`: the host takes no more questions. */
export const TURN = { guest: 0, host: 1, closed: 2 } as const;

/**
 * Places among the header's words. `code`: of a question, what is asked; of an answer, an errno.
 * `shown`: the last byte that went to a terminal.
 */
export const WORD = {
  turn: 0,
  code: 1,
  handle: 2,
  bytes: 3,
  secondBytes: 4,
  shown: 5,
} as const;
const WORDS = 8;

/** Numbers that a question or an answer has beside its bytes. */
const NUMBERS = 8;
const HEADER_BYTES = WORDS * 4 + NUMBERS * 8;

/** What travels at once; longer reads, writes and listings go in several. */
export const CHUNK_BYTES = 1024 * 1024;

export interface ChannelViews {
  readonly words: Int32Array;
  readonly numbers: BigUint64Array;
  /** Of a question with two names, one behind the other. */
  readonly bytes: Uint8Array;
}

/** Pages that nothing is written to cost nothing. */
export function filesChannel(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + CHUNK_BYTES);
}

export function channelViews(channel: SharedArrayBuffer): ChannelViews {
  return {
    words: new Int32Array(channel, 0, WORDS),
    numbers: new BigUint64Array(channel, WORDS * 4, NUMBERS),
    bytes: new Uint8Array(channel, HEADER_BYTES, CHUNK_BYTES),
  };
}

/** Bits of `openFile`'s mode. */
export const MODE = { read: 1n, write: 2n, create: 4n, exclusive: 8n, truncate: 16n } as const;

/** Which of the two times are given. */
export const GIVEN = { accessed: 1n, modified: 2n } as const;

/** `write` at the end of the file; no file reaches so far. */
export const AT_END = 2n ** 64n - 1n;

/** An entry of a listing: u64 inode, u8 type, u16 length of the name, and the name. */
export const ENTRY = { inode: 0, type: 8, nameBytes: 9, name: 11 } as const;

/** What one of the process's own streams is, as far as a guest is told. */
export type StreamKind = "terminal" | "other";

/**
 * What a run is given of the machine it is on: its process's streams in place of recorded ones, and
 * directories. The granted directories' handles are their places in the list.
 */
export interface PassThrough {
  readonly channel: SharedArrayBuffer;
  /** Of stdin, stdout and stderr. */
  readonly streams: readonly [StreamKind, StreamKind, StreamKind];
  /** What the guest knows the granted directories by. */
  readonly directories: readonly string[];
}
