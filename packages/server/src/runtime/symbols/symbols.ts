import { promisify } from "node:util";
import { deflateRaw, inflateRawSync } from "node:zlib";
import type { TrapFrame } from "../../core/invocation.ts";
import type { Positions } from "../module/positions.ts";
import { SECTION, type ModuleShape } from "../module/sections.ts";
import type { RawFrame } from "../protocol.ts";
import { readableName } from "./demangle.ts";
import { FunctionNames } from "./function-names.ts";
import { LineTable } from "./line-table.ts";
import type { Source } from "./places.ts";
import { SourceMap } from "./source-map.ts";

/** What has more is left out: reading it takes this thread some 40 ms a MiB, for lines and source maps. */
const MOST_BYTES = {
  name: 16 * 1024 * 1024,
  ".debug_line": 4 * 1024 * 1024,
  ".debug_line_str": 16 * 1024 * 1024,
  ".debug_str": 16 * 1024 * 1024,
  map: 4 * 1024 * 1024,
} as const;

const SECTIONS = ["name", ".debug_line", ".debug_line_str", ".debug_str"] as const;
type Part = keyof typeof MOST_BYTES;
type Packed = ReadonlyMap<Part, { readonly bytes: Uint8Array; readonly length: number }>;

/** A module's own words for its code, read when something is to be told in them. */
interface Index {
  readonly names: FunctionNames;
  readonly lines: LineTable;
  readonly map: SourceMap | undefined;
}

/**
 * What is kept of a module to tell its author where it trapped. All of it comes from the module: it is
 * bounded, and what cannot be read is left out.
 */
export class Symbols {
  readonly #packed: Packed;
  readonly #positions: Positions;
  readonly #codeStart: number;
  readonly #functions: number;
  readonly #exported: ReadonlyMap<number, string>;
  // Some megabytes for a large module: what traps often has it at hand, the rest is the collector's.
  #index: WeakRef<Index> | undefined;

  constructor(shape: ModuleShape, positions: Positions, packed: Packed) {
    this.#packed = packed;
    this.#positions = positions;
    this.#codeStart = shape.sections.find(({ id }) => id === SECTION.code)?.start ?? 0;
    this.#functions = shape.functions.length;
    this.#exported = new Map(
      [...shape.exports]
        .filter(([, { kind }]) => kind === "function")
        .map(([name, { index }]) => [index, name]),
    );
  }

  /** Never throws. Frames of functions that the author's module does not have are left out. */
  frames(raw: readonly RawFrame[]): readonly TrapFrame[] {
    const own = raw.filter(({ index }) => index < this.#functions);
    if (own.length === 0) return [];
    const index = this.#open();
    return own.map((frame) => this.#frame(frame, index));
  }

  #frame({ index, offset }: RawFrame, symbols: Index | undefined): TrapFrame {
    const users = this.#positions.inUsers(offset) ?? 0;
    const name = attempt(() => symbols?.names.get(index)) ?? this.#exported.get(index);
    const source = attempt(() => symbols && this.#find(symbols, users));
    return {
      function: name === undefined || name === "" ? `function ${index}` : readableName(name),
      index,
      offset: users,
      ...(source === undefined ? {} : { file: readableFile(source.file), line: source.line }),
      ...(source?.column === undefined ? {} : { column: source.column }),
    };
  }

  #find({ lines, map }: Index, offset: number): Source | undefined {
    return lines.find(offset - this.#codeStart) ?? map?.find(offset);
  }

  #open(): Index | undefined {
    const open = this.#index?.deref();
    if (open !== undefined) return open;
    const index = attempt(() => this.#read());
    if (index !== undefined) this.#index = new WeakRef(index);
    return index;
  }

  #read(): Index {
    const part = (name: Part): Uint8Array => {
      const packed = this.#packed.get(name);
      if (packed === undefined) return new Uint8Array(0);
      return inflateRawSync(packed.bytes, { maxOutputLength: packed.length });
    };
    const map = part("map");
    return {
      names: new FunctionNames(part("name")),
      lines: new LineTable(part(".debug_line"), {
        lineTexts: part(".debug_line_str"),
        texts: part(".debug_str"),
      }),
      map: map.length === 0 ? undefined : attempt(() => new SourceMap(map)),
    };
  }
}

/** Packs what a module says about itself, off this thread. */
export async function keepSymbols(
  shape: ModuleShape,
  positions: Positions,
  sourceMap: Uint8Array | undefined,
): Promise<Symbols> {
  const parts = new Map<Part, Uint8Array>();
  for (const { name, start, end } of shape.customs) {
    const part = SECTIONS.find((known) => known === name);
    if (part !== undefined && !parts.has(part)) parts.set(part, shape.bytes.subarray(start, end));
  }
  if (sourceMap !== undefined) parts.set("map", sourceMap);
  // The texts of names are in it only for the lines.
  if (!parts.has(".debug_line")) parts.delete(".debug_str");
  const packed = await Promise.all(
    [...parts]
      .filter(([part, { length }]) => length <= MOST_BYTES[part])
      .map(async ([part, bytes]) => {
        return [part, { bytes: await pack(bytes), length: bytes.length }] as const;
      }),
  );
  return new Symbols(shape, positions, new Map(packed));
}

const pack = promisify(deflateRaw);

const MOST_FILE_CHARS = 300;

/** The end of a path says more than its beginning. */
function readableFile(file: string): string {
  const path = file.replaceAll("\\", "/").replace(/^(?:\.\/)+/, "");
  return path.length <= MOST_FILE_CHARS ? path : `…${path.slice(-MOST_FILE_CHARS)}`;
}

/** Debug information is the author's to write: whatever is wrong with it, the trap itself is told. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
