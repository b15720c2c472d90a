import { readExport, readImport, readLimits, readTable } from "./externs.ts";
import type { Export, Import, Limits, Table } from "./externs.ts";
import { invalidModule, Reader } from "./reader.ts";
import { MOST_DEFINITIONS, readTypes, type FunctionType } from "./types.ts";

export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
} as const;

export interface Section {
  readonly id: number;
  /** Where its content begins and ends in the module. */
  readonly start: number;
  readonly end: number;
}

export interface CustomSection {
  readonly name: string;
  /** Where what follows the name begins, and where that ends. */
  readonly start: number;
  readonly end: number;
}

/** What one pass over a module's sections tells; bodies are left to V8. */
export interface ModuleShape {
  readonly bytes: Uint8Array;
  /** But the custom ones. */
  readonly sections: readonly Section[];
  readonly customs: readonly CustomSection[];
  readonly types: readonly (FunctionType | null)[];
  readonly imports: readonly Import[];
  /** Type index of every function, the imported first. */
  readonly functions: readonly number[];
  readonly tables: readonly Table[];
  readonly memories: readonly Limits[];
  readonly globals: number;
  readonly exports: ReadonlyMap<string, Export>;
}

const HEADER_BYTES = 8;
/** Of imports, exports, tables and custom sections. No toolchain's module comes near. */
const MOST_ENTRIES = 10_000;

/**
 * Throws MODULE_INVALID where the bytes do not have the shape of a core module, or are too many. Every
 * count is checked before anything is kept, so that a few bytes cannot claim much memory.
 */
export function readModule(bytes: Uint8Array, mostBytes = Infinity): ModuleShape {
  if (bytes.length > mostBytes) {
    throw invalidModule(`it has ${bytes.length} bytes, over the limit of ${mostBytes}`);
  }
  checkHeader(bytes);
  const { sections, customs } = readSections(bytes);
  const reader = (id: number): Reader => {
    const section = sections.find((candidate) => candidate.id === id);
    // An absent section reads like one with no entries.
    return section === undefined
      ? new Reader(new Uint8Array(1))
      : new Reader(bytes, section.start, section.end);
  };
  const entries = <T>(id: number, what: Counted, read: (reader: Reader) => T): T[] => {
    const from = reader(id);
    const count = counted(from, what);
    return Array.from({ length: count }, () => read(from));
  };
  const types = readTypes(reader(SECTION.type));
  const imports = entries(SECTION.import, "imports", readImport);
  const functions = imports.flatMap(({ kind, type }) => (kind === "function" ? [type!] : []));
  for (const type of entries(SECTION.function, "functions", (r) => r.u32())) functions.push(type);
  const ownGlobals = counted(reader(SECTION.global), "globals");
  return {
    bytes,
    sections,
    customs,
    types,
    imports,
    functions,
    tables: entries(SECTION.table, "tables", readTable),
    memories: entries(SECTION.memory, "memories", readLimits),
    globals: ownGlobals + imports.filter(({ kind }) => kind === "global").length,
    exports: new Map(entries(SECTION.export, "exports", readExport)),
  };
}

const MOST = {
  imports: MOST_ENTRIES,
  exports: MOST_ENTRIES,
  tables: MOST_ENTRIES,
  memories: MOST_ENTRIES,
  functions: MOST_DEFINITIONS,
  globals: MOST_DEFINITIONS,
} as const satisfies Record<string, number>;
type Counted = keyof typeof MOST;

function counted(reader: Reader, what: Counted): number {
  const count = reader.u32();
  if (count > MOST[what]) {
    throw invalidModule(`it has ${count} ${what}; ${MOST[what]} is the most`);
  }
  reader.mustHold(count);
  return count;
}

function checkHeader(bytes: Uint8Array): void {
  if (bytes.length === 0) throw invalidModule("it is empty");
  const magic = [0x00, 0x61, 0x73, 0x6d];
  if (!magic.every((byte, index) => index >= bytes.length || bytes[index] === byte)) {
    throw invalidModule("it is not WebAssembly (its first bytes are not \\0asm)");
  }
  if (bytes.length < HEADER_BYTES) {
    throw invalidModule(`it is cut off after ${bytes.length} bytes`);
  }
  if (bytes[6] !== 0 || bytes[7] !== 0) {
    throw invalidModule(
      "it is a WebAssembly component, not a core module (build for wasm32-wasip1, not wasip2)",
    );
  }
  if (bytes[4] !== 1 || bytes[5] !== 0) {
    throw invalidModule(`it has the unknown WebAssembly version ${bytes[4]! + bytes[5]! * 256}`);
  }
}

function readSections(bytes: Uint8Array): Pick<ModuleShape, "sections" | "customs"> {
  const sections: Section[] = [];
  const customs: CustomSection[] = [];
  const seen = new Set<number>();
  const reader = new Reader(bytes, HEADER_BYTES);
  while (!reader.done) {
    const id = reader.byte();
    const length = reader.u32();
    const start = reader.at;
    reader.skip(length);
    const end = reader.at;
    if (id === SECTION.custom) {
      const custom = new Reader(bytes, start, end);
      customs.push({ name: custom.name(), start: custom.at, end });
    } else {
      if (seen.has(id)) throw invalidModule(`it has two sections with the number ${id}`);
      seen.add(id);
      sections.push({ id, start, end });
    }
    if (customs.length > MOST_ENTRIES) {
      throw invalidModule(`it has more than ${MOST_ENTRIES} custom sections`);
    }
  }
  return { sections, customs };
}
