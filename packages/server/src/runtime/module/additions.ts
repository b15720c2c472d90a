import { Reader } from "./reader.ts";
import { SECTION, type ModuleShape } from "./sections.ts";
import { join, leb, text, type Chunk } from "./writer.ts";

/** What is put behind a module's own things, at indices that its code does not name. */
export class Additions {
  readonly #shape: ModuleShape;
  readonly #types: Chunk[] = [];
  readonly #functions: Chunk[] = [];
  readonly #globals: Chunk[] = [];
  readonly #exports: Chunk[] = [];
  readonly bodies: Chunk[] = [];

  constructor(shape: ModuleShape) {
    this.#shape = shape;
  }

  /** Of a function that answers with as many values as it takes, and of the same types. */
  sameType(values: Chunk): number {
    const list = join([[values.length], values]);
    return this.#addType(join([[0x60], list, list]));
  }

  /** Each answers with the index of what was added. */
  type(params: Chunk, paramCount: number, results: Chunk = []): number {
    const resultCount = results.length === 0 ? 0 : 1;
    return this.#addType(join([[0x60, paramCount], params, [resultCount], results]));
  }

  /** Of a block that takes nothing; `results`: how many, and their types. */
  blockType(results: Chunk): number {
    return this.#addType(join([[0x60, 0x00], results]));
  }

  #addType(entry: Chunk): number {
    this.#types.push(entry);
    // The type section counts a group of types as one entry, and `types` each of them.
    return this.#shape.types.length + this.#types.length - 1;
  }

  function(type: number, body: Chunk): number {
    this.#functions.push(leb(type));
    this.bodies.push(body);
    return this.#shape.functions.length + this.#functions.length - 1;
  }

  /** Mutable and exported. */
  global(name: string, type: Chunk, first: Chunk): number {
    const index = this.ownGlobal(type, first);
    this.#exports.push([...text(name), 0x03, ...leb(index)]);
    return index;
  }

  /** Mutable, and the module's own business. */
  ownGlobal(type: Chunk, first: Chunk): number {
    this.#globals.push(join([type, [0x01], first, [0x0b]]));
    return this.#shape.globals + this.#globals.length - 1;
  }

  /** The contents of the sections that are longer now, but for the code. */
  sections(): Map<number, Chunk[]> {
    const added = [
      [SECTION.type, this.#types],
      [SECTION.function, this.#functions],
      [SECTION.global, this.#globals],
      [SECTION.export, this.#exports],
    ] as const;
    return new Map(
      added
        .filter(([, entries]) => entries.length > 0)
        .map(([id, entries]) => [id, append(this.#shape, id, entries)]),
    );
  }
}

/** A section's content with more entries at its end. */
export function append(shape: ModuleShape, id: number, entries: readonly Chunk[]): Chunk[] {
  const section = shape.sections.find((candidate) => candidate.id === id);
  if (section === undefined) return [leb(entries.length), ...entries];
  const old = shape.bytes.subarray(section.start, section.end);
  const reader = new Reader(old);
  const count = reader.u32();
  return [leb(count + entries.length), old.subarray(reader.at), ...entries];
}
