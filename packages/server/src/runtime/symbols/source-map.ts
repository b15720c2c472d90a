import { Unreadable } from "./cursor.ts";
import { Places, type Source } from "./places.ts";

/** A source map (ECMA-426), whose columns are the bytes of the module. */
export class SourceMap {
  readonly #places = new Places();
  readonly #sources: readonly unknown[];

  /** Throws where it is none. */
  constructor(bytes: Uint8Array) {
    const map = JSON.parse(new TextDecoder().decode(bytes)) as {
      readonly mappings?: unknown;
      readonly sources?: unknown;
    } | null;
    if (typeof map?.mappings !== "string" || !Array.isArray(map.sources)) {
      throw new Unreadable("no source map");
    }
    this.#sources = map.sources;
    this.#read(map.mappings);
  }

  find(offset: number): Source | undefined {
    const found = this.#places.find(offset);
    if (found === undefined) return undefined;
    const { file, line, column } = this.#places.place(found);
    const source = this.#sources[file];
    // Compilers make a source root up where they have none, so it is left out.
    if (typeof source !== "string" || source === "") return undefined;
    return { file: source, line: line + 1, column: column + 1 };
  }

  /** Only the first line: a module has no other. */
  #read(mappings: string): void {
    const end = mappings.indexOf(";");
    const digits = new Digits(mappings, end === -1 ? mappings.length : end);
    let [offset, source, line, column] = [0, 0, 0, 0];
    while (!digits.done) {
      if (digits.separator()) continue;
      offset += digits.number();
      if (digits.inSegment) {
        source += digits.number();
        line += digits.number();
        column += digits.number();
        const last = this.#places.length - 1;
        if (last < 0 || this.#places.address(last) <= offset) {
          this.#places.add(offset, [source, line, column]);
        }
      }
      while (digits.inSegment) digits.number();
    }
  }
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Int8Array(128).fill(-1);
for (let value = 0; value < ALPHABET.length; value += 1) {
  VALUES[ALPHABET.charCodeAt(value)] = value;
}
const COMMA = 44;

/** The numbers of a mapping, five bits a character. */
class Digits {
  readonly #text: string;
  readonly #end: number;
  #at = 0;

  constructor(text: string, end: number) {
    this.#text = text;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  get inSegment(): boolean {
    return !this.done && this.#text.charCodeAt(this.#at) !== COMMA;
  }

  separator(): boolean {
    if (this.inSegment) return false;
    this.#at += 1;
    return true;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; this.inSegment; factor *= 32) {
      const digit = VALUES[this.#text.charCodeAt(this.#at)] ?? -1;
      this.#at += 1;
      if (digit === -1) throw new Unreadable("a mapping has a character that is no digit");
      value += (digit & 31) * factor;
      if (digit < 32) break;
    }
    return value % 2 === 0 ? value / 2 : -(value - 1) / 2;
  }
}
