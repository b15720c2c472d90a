import { TAPE, type ClockKind } from "./tape.ts";

/** The most bytes that one reading takes. */
export const MOST_READING_BYTES = 11;

const KIND_BITS = 3n;
const KIND_MASK = 7;
const MORE = 0x80;

/**
 * Clock readings as a tape has them: each as what it differs by from the last one of its clock (the first
 * from 0), so that a function which looks at a clock until a time has come does not fill the disk. The
 * number `difference * 8 + kind` follows in groups of seven bits, lowest first, all but the last with their
 * highest bit set; a difference d is 2d, and -2d - 1 where it is negative.
 */
export class ClockReadings {
  readonly #last = [0n, 0n, 0n, 0n];

  /** Before the first reading of a tape. */
  begin(): void {
    this.#last.fill(0n);
  }

  /** Writes one from `at` on; gives where it ends. */
  write(kind: ClockKind, ns: bigint, bytes: Uint8Array, at = 0): number {
    const place = TAPE[kind];
    const difference = BigInt.asIntN(64, ns - this.#last[place]!);
    this.#last[place] = ns;
    const doubled = difference < 0n ? -2n * difference - 1n : 2n * difference;
    let end = at;
    let left = (doubled << KIND_BITS) | BigInt(place);
    // Numbers are many times faster, and nearly all there is.
    for (; left > 0x7fff_ffffn; left >>= 7n) bytes[end++] = Number(left & 0x7fn) | MORE;
    let small = Number(left);
    for (; small >= MORE; small >>>= 7) bytes[end++] = (small & 0x7f) | MORE;
    bytes[end] = small;
    return end + 1;
  }

  /** What is at `at`, and where it ends. Undefined: it is cut off, or no reading of this clock. */
  read(kind: ClockKind, bytes: Uint8Array, at: number): Reading | undefined {
    const place = TAPE[kind];
    let value = 0n;
    for (let index = 0; index < MOST_READING_BYTES; index += 1) {
      const byte = bytes[at + index];
      if (byte === undefined) return undefined;
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte >= MORE) continue;
      const doubled = value >> KIND_BITS;
      const difference = (doubled & 1n) === 1n ? -(doubled + 1n) / 2n : doubled / 2n;
      const ns = BigInt.asUintN(64, this.#last[place]! + difference);
      this.#last[place] = ns;
      return { ns, end: at + index + 1 };
    }
    return undefined;
  }
}

export interface Reading {
  readonly ns: bigint;
  readonly end: number;
}

/** What kind of entry begins with this byte: of a reading it holds a part of the number too. */
export function kindOf(first: number): number {
  const kind = first & KIND_MASK;
  return kind >= TAPE.realtime && kind <= TAPE.cpu ? kind : first;
}
