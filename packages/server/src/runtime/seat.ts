/**
 * A run's place in memory that its thread and the host both see: what it is given (`input`), and its
 * journal. The host writes the input while the seat is free; from then on it is only read.
 */
import { isLarge as isLargeJournal, journalBuffers, type JournalBuffers } from "./journal.ts";

export interface SeatBuffers {
  /** How often this seat's buffers were exchanged. */
  readonly generation: number;
  readonly input: SharedArrayBuffer;
  readonly journal: JournalBuffers;
}

/** Places among the i32 at the beginning of the input; the bytes of env, args, stdin, a tape and secrets follow them. */
export const INPUT = {
  /** Which module. */
  id: 0,
  /** Pages of the memory it runs on, at least those it begins with. */
  reservedPages: 1,
  /** Milliseconds after which its own thread ends it; 0: the host sees to it. */
  supervisedMs: 2,
  envCount: 3,
  envBytes: 4,
  argsCount: 5,
  argsBytes: 6,
  stdinBytes: 7,
  /** One of TAPE_MODE. */
  tapeMode: 8,
  /** Of the tape to be replayed, behind stdin. */
  tapeBytes: 9,
  /** Two of them, as one f64: milliseconds since the Unix epoch at which a tape that is followed begins. */
  tapeStartedAt: 10,
  /** A number that no other run of the thread has. */
  run: 12,
  secretsCount: 13,
  /** Behind the tape. */
  secretsBytes: 14,
} as const;

export const INPUT_HEADER_BYTES = 64;
const FIRST_INPUT_BYTES = 16_384;
const LARGE_INPUT_BYTES = 4 * 1024 * 1024;

export function seatBuffers(generation: number, inputBytes = 0): SeatBuffers {
  const bytes = Math.max(FIRST_INPUT_BYTES, INPUT_HEADER_BYTES + inputBytes);
  return { generation, input: new SharedArrayBuffer(bytes), journal: journalBuffers() };
}

export function isLarge({ input, journal }: SeatBuffers): boolean {
  return input.byteLength > LARGE_INPUT_BYTES || isLargeJournal(journal);
}
