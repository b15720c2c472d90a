import { SECTION, type ModuleShape } from "./sections.ts";
import type { Chunk } from "./writer.ts";

/** A run of bytes of the user's code and where it went. */
interface Piece {
  readonly at: number;
  readonly from: number;
  readonly length: number;
}

/** Where the code of a rewritten module stood in the user's. */
export class Positions {
  readonly #pieces: readonly Piece[];

  /** `chunks`: the rewritten module, in which what came from the user's is a view on its bytes. */
  constructor(shape: ModuleShape, chunks: readonly Chunk[]) {
    const code = shape.sections.find(({ id }) => id === SECTION.code);
    const pieces: Piece[] = [];
    let at = 0;
    for (const chunk of chunks) {
      const from = startIn(shape.bytes, chunk);
      if (code !== undefined && from >= code.start && from < code.end && chunk.length > 0) {
        pieces.push({ at, from, length: chunk.length });
      }
      at += chunk.length;
    }
    this.#pieces = pieces;
  }

  /**
   * The user's offset of an offset in the rewritten module; of a replaced instruction, where that
   * begins. Undefined where the code is not the user's.
   */
  inUsers(offset: number): number | undefined {
    // The last piece that begins at the offset or before it.
    let [low, high] = [0, this.#pieces.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#pieces[middle]!.at <= offset) low = middle + 1;
      else high = middle;
    }
    const piece = this.#pieces[low - 1];
    if (piece === undefined) return undefined;
    const into = offset - piece.at;
    if (into < piece.length) return piece.from + into;
    // A replacement begins where a piece ends; behind the last one are the added functions.
    return low === this.#pieces.length ? undefined : piece.from + piece.length;
  }
}

function startIn(bytes: Uint8Array, chunk: Chunk): number {
  if (!(chunk instanceof Uint8Array) || chunk.buffer !== bytes.buffer) return -1;
  return chunk.byteOffset - bytes.byteOffset;
}
