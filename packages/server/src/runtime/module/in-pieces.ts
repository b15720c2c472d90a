import type { Additions } from "./additions.ts";
import { leb, signedLeb, type Chunk } from "./writer.ts";

/** Small enough for the processor's caches, and done in some 10 µs. */
const PIECE_BYTES = 256 * 1024;

const I32 = 0x7f;
const I64 = 0x7e;
const BLOCK = [0x02, 0x40];
const LOOP = [0x03, 0x40];
const IF = [0x04, 0x40];
const ELSE = 0x05;
const END = 0x0b;
const BR_IF_0 = [0x0d, 0x00];
const CALL = 0x10;
const FILL = [0xfc, 0x0b, 0x00];
const COPY = [0xfc, 0x0a, 0x00, 0x00];
const MEMORY_SIZE = [0x3f, 0x00];
const TO_I64 = [0xad];
const I64_ABOVE = 0x56;
const I64_SUB = 0x7d;
/** Pages to bytes, as an i64. */
const PAGES_TO_BYTES = [0x42, 0x10, 0x86];

/** Instructions on addresses, which a 64-bit memory has in another width. */
const NARROW = { type: I32, const: 0x41, add: 0x6a, sub: 0x6b, atMost: 0x4d, above: 0x4b };
const WIDE = { type: I64, const: 0x42, add: 0x7c, sub: 0x7d, atMost: 0x58, above: 0x56 };

const getLocal = (index: number) => [0x20, index];
const setLocal = (index: number) => [0x21, index];

// The operands of both, as locals; the second one is the byte, or where a copy comes from.
const TO = getLocal(0);
const SECOND = getLocal(1);
const LENGTH = getLocal(2);

/** What stands in front of `memory.fill` and of `memory.copy`. */
export interface InPieces {
  readonly fill: Chunk;
  readonly copy: Chunk;
}

/**
 * Has large fills and copies done piece by piece: a call takes their three operands, does all but the
 * last piece, and gives the operands of what is left to the instruction itself. It looks for the end of
 * the thread before each piece (`look`: instructions that do), and leaves alone what reaches beyond the
 * memory, so that the instruction traps where it stands and before anything is written.
 *
 * 128 MiB at once are too much for the caches: the processor then writes past them, a quarter faster,
 * and every other thread's memory is the slower for it (figures in docs/performance.md).
 */
export function addInPieces(added: Additions, look: Chunk, wide: boolean): InPieces {
  const ops = wide ? WIDE : NARROW;
  const toI64 = wide ? [] : TO_I64;
  const piece = [ops.const, ...signedLeb(PIECE_BYTES)];
  const length = [...LENGTH, ...toI64];
  const memoryBytes = [...MEMORY_SIZE, ...toI64, ...PAGES_TO_BYTES];

  /** Out of the block around where not all of it is in the memory. */
  const leaveUnlessInside = (from: readonly number[]) =>
    [
      [...length, ...memoryBytes, I64_ABOVE, ...BR_IF_0],
      [...from, ...toI64, ...memoryBytes, ...length, I64_SUB, I64_ABOVE, ...BR_IF_0],
    ].flat();
  /** For as long as there is more than one. */
  const everyPiece = (work: readonly number[]) =>
    [
      [...LOOP, ...look, ...work],
      [...LENGTH, ...piece, ops.sub, ...setLocal(2)],
      [...LENGTH, ...piece, ops.above, ...BR_IF_0, END],
    ].flat();
  const nextPiece = (local: number) => [...getLocal(local), ...piece, ops.add, ...setLocal(local)];
  const lastPiece = (from: readonly number[]) => [...from, ...LENGTH, ops.add, ...piece, ops.sub];
  const addCall = (second: number, work: readonly number[]): Chunk => {
    const ifLarge = [...BLOCK, ...LENGTH, ...piece, ops.atMost, ...BR_IF_0, ...work, END];
    const body = [0x00, ...look, ...ifLarge, ...TO, ...SECOND, ...LENGTH, END];
    const type = added.sameType([ops.type, second, ops.type]);
    return [CALL, ...leb(added.function(type, body))];
  };

  const fill = everyPiece([...TO, ...SECOND, ...piece, ...FILL, ...nextPiece(0)]);
  // What a piece overwrites must have been copied before: the two may overlap.
  const firstPiece = [...TO, ...SECOND, ...piece, ...COPY];
  const forward = everyPiece([...firstPiece, ...nextPiece(0), ...nextPiece(1)]);
  const backward = everyPiece([...lastPiece(TO), ...lastPiece(SECOND), ...piece, ...COPY]);
  const copy = [...TO, ...SECOND, ops.atMost, ...IF, ...forward, ELSE, ...backward, END];
  return {
    fill: addCall(I32, [...leaveUnlessInside(TO), ...fill]),
    copy: addCall(ops.type, [...leaveUnlessInside(TO), ...leaveUnlessInside(SECOND), ...copy]),
  };
}
