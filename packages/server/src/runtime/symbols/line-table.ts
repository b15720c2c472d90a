import { Cursor, Unreadable } from "./cursor.ts";
import { fileName, type DebugTexts } from "./file-names.ts";
import { readHeader, type LineHeader } from "./line-header.ts";
import { runProgram } from "./line-program.ts";
import { Places, type Source } from "./places.ts";

/** The rows between two ends of sequences: addresses that go up only. */
interface Sequence {
  readonly header: LineHeader;
  readonly firstRow: number;
  readonly lastRow: number;
  readonly low: number;
  /** The address behind the last. */
  readonly high: number;
}

/** DWARF's `.debug_line`, versions 2 to 5: source lines by address in the code section. */
export class LineTable {
  readonly #section: Uint8Array;
  readonly #texts: DebugTexts;
  readonly #rows = new Places();
  readonly #sequences: Sequence[] = [];

  /** Never throws: what cannot be read is left out. */
  constructor(section: Uint8Array, texts: DebugTexts) {
    this.#section = section;
    this.#texts = texts;
    readable(() => {
      const cursor = new Cursor(section);
      while (!cursor.done && !this.#rows.full) {
        const header = readHeader(cursor);
        if (header !== undefined) readable(() => this.#run(header));
      }
    });
    this.#sequences.sort((a, b) => a.low - b.low);
  }

  find(address: number): Source | undefined {
    const sequence = this.#sequences[this.#lastFrom(address)];
    if (sequence === undefined || address >= sequence.high) return undefined;
    const row = this.#rows.find(address, sequence.firstRow, sequence.lastRow + 1);
    if (row === undefined) return undefined;
    const { file, line, column } = this.#rows.place(row);
    const { header } = sequence;
    const name = readable(() => fileName(this.#section, { header, file }, this.#texts));
    if (name === undefined) return undefined;
    return { file: name, line, column: column === 0 ? undefined : column };
  }

  #lastFrom(address: number): number {
    let [low, high] = [0, this.#sequences.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sequences[middle]!.low <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #run(header: LineHeader): void {
    const cursor = new Cursor(this.#section, header.programAt, header.end);
    let first = this.#rows.length;
    let last = -1;
    runProgram(cursor, header, {
      row: ({ address, file, line, column }) => {
        // Line 0: the compiler's own code, which belongs to the line before.
        if (line === 0 || address < last || address > 0xffff_ffff) return;
        last = address;
        this.#rows.add(address, [file, line, column]);
      },
      end: (address) => {
        const [firstRow, lastRow] = [first, this.#rows.length - 1];
        first = this.#rows.length;
        last = -1;
        if (lastRow < firstRow) return;
        const low = this.#rows.address(firstRow);
        // Linkers put functions that they dropped at 0, where no function can be.
        if (low > 0) this.#sequences.push({ header, firstRow, lastRow, low, high: address });
      },
    });
  }
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return undefined;
  }
}
