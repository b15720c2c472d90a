import { invalidModule, Reader } from "./reader.ts";
import { readTypes, valueType, type Signature } from "./types.ts";

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
  code: 10,
} as const;

export interface Section {
  readonly id: number;
  /** Where its content begins and ends in the module. */
  readonly start: number;
  readonly end: number;
}

export type ExternKind = "function" | "table" | "memory" | "global" | "tag";
const KINDS: readonly ExternKind[] = ["function", "table", "memory", "global", "tag"];

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
  /** Of a function. */
  readonly type?: number;
}

export interface Export {
  readonly kind: ExternKind;
  readonly index: number;
}

/** The size of a memory in pages, or of a table in elements. */
export interface Limits {
  readonly initial: number;
  readonly maximum: number | undefined;
  readonly flags: number;
}

export interface Table extends Limits {
  /** The type of its elements, as it stands in the module. */
  readonly type: Uint8Array;
}

/** What one pass over a module's sections tells; bodies are left to V8. */
export interface ModuleShape {
  readonly bytes: Uint8Array;
  readonly sections: readonly Section[];
  readonly types: readonly (Signature | null)[];
  readonly imports: readonly Import[];
  /** Type index of every function, the imported first. */
  readonly functions: readonly number[];
  readonly tables: readonly Table[];
  readonly memories: readonly Limits[];
  readonly globals: number;
  readonly exports: ReadonlyMap<string, Export>;
}

const HEADER_BYTES = 8;

/** Throws MODULE_INVALID where the bytes do not have the shape of a core module. */
export function readModule(bytes: Uint8Array): ModuleShape {
  checkHeader(bytes);
  const sections = readSections(bytes);
  const reader = (id: number): Reader => {
    const section = sections.find((candidate) => candidate.id === id);
    // An absent section reads like one with no entries.
    return section === undefined
      ? new Reader(new Uint8Array(1))
      : new Reader(bytes, section.start, section.end);
  };
  const types = readTypes(reader(SECTION.type));
  const imports = entries(reader(SECTION.import), readImport);
  const functions = imports.flatMap(({ kind, type }) => (kind === "function" ? [type!] : []));
  for (const type of entries(reader(SECTION.function), (r) => r.u32())) functions.push(type);
  return {
    bytes,
    sections,
    types,
    imports,
    functions,
    tables: entries(reader(SECTION.table), readTable),
    memories: entries(reader(SECTION.memory), readLimits),
    globals: reader(SECTION.global).u32() + imports.filter(({ kind }) => kind === "global").length,
    exports: new Map(entries(reader(SECTION.export), readExport)),
  };
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

function readSections(bytes: Uint8Array): Section[] {
  const sections: Section[] = [];
  const seen = new Set<number>();
  const reader = new Reader(bytes, HEADER_BYTES);
  while (!reader.done) {
    const id = reader.byte();
    const length = reader.u32();
    const start = reader.at;
    reader.skip(length);
    if (id !== SECTION.custom && seen.has(id)) {
      throw invalidModule(`it has two sections with the number ${id}`);
    }
    seen.add(id);
    sections.push({ id, start, end: reader.at });
  }
  return sections;
}

function entries<T>(reader: Reader, read: (reader: Reader) => T): T[] {
  const list: T[] = [];
  for (let left = reader.u32(); left > 0; left -= 1) list.push(read(reader));
  return list;
}

function readKind(reader: Reader): ExternKind {
  const kind = KINDS[reader.byte()];
  if (kind === undefined)
    throw invalidModule(`unknown kind of import or export at byte ${reader.at}`);
  return kind;
}

function readImport(reader: Reader): Import {
  const module = reader.name();
  const name = reader.name();
  const kind = readKind(reader);
  switch (kind) {
    case "function":
      return { module, name, kind, type: reader.u32() };
    case "table":
      valueType(reader);
      readLimits(reader);
      break;
    case "memory":
      readLimits(reader);
      break;
    case "global":
      valueType(reader);
      reader.byte();
      break;
    case "tag":
      reader.byte();
      reader.u32();
      break;
  }
  return { module, name, kind };
}

/** Bits in the flags of a memory or a table. */
export const LIMITS_FLAG = { maximum: 1, shared: 2, wide: 4, pageSize: 8 } as const;

function readLimits(reader: Reader): Limits {
  const flags = reader.byte();
  // 64-bit limits are refused later, by name; here they are only stepped over.
  const wide = (flags & LIMITS_FLAG.wide) !== 0;
  const number = () => (wide ? (reader.skipNumber(), 0) : reader.u32());
  const initial = number();
  const maximum = (flags & LIMITS_FLAG.maximum) === 0 ? undefined : number();
  if ((flags & LIMITS_FLAG.pageSize) !== 0) reader.u32();
  return { initial, maximum, flags };
}

function readTable(reader: Reader): Table {
  if (reader.peek() === 0x40)
    throw invalidModule("it has a table with an initial value of its own");
  const start = reader.at;
  valueType(reader);
  const type = reader.bytes.subarray(start, reader.at);
  return { type, ...readLimits(reader) };
}

function readExport(reader: Reader): [string, Export] {
  const name = reader.name();
  const kind = readKind(reader);
  return [name, { kind, index: reader.u32() }];
}
