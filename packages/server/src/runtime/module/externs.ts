import { skipConstant } from "./instructions.ts";
import { invalidModule, type Reader } from "./reader.ts";
import { valueType } from "./types.ts";
import { join, leb } from "./writer.ts";

export type ExternKind = "function" | "table" | "memory" | "global" | "tag";
const KINDS: readonly ExternKind[] = ["function", "table", "memory", "global", "tag"];

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
  /** Of a function. */
  readonly type?: number;
  /** Of a memory. */
  readonly limits?: Limits;
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
  /** What its elements are at first, as it stands in the module; undefined: null. */
  readonly first: Uint8Array | undefined;
}

/** Bits in the flags of a memory or a table. */
export const LIMITS_FLAG = { maximum: 1, shared: 2, wide: 4, pageSize: 8 } as const;

function readKind(reader: Reader): ExternKind {
  const kind = KINDS[reader.byte()];
  if (kind === undefined) {
    throw invalidModule(`unknown kind of import or export at byte ${reader.at}`);
  }
  return kind;
}

export function readImport(reader: Reader): Import {
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
      return { module, name, kind, limits: readLimits(reader) };
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

export function readExport(reader: Reader): [string, Export] {
  const name = reader.name();
  const kind = readKind(reader);
  return [name, { kind, index: reader.u32() }];
}

export function readLimits(reader: Reader): Limits {
  const flags = reader.byte();
  const number = () => ((flags & LIMITS_FLAG.wide) === 0 ? reader.u32() : reader.u64());
  const initial = number();
  const maximum = (flags & LIMITS_FLAG.maximum) === 0 ? undefined : number();
  if ((flags & LIMITS_FLAG.pageSize) !== 0) reader.u32();
  return { initial, maximum, flags };
}

const WITH_FIRST = 0x40;

export function readTable(reader: Reader): Table {
  const withFirst = reader.peek() === WITH_FIRST;
  // A zero byte follows.
  if (withFirst) reader.skip(2);
  const type = taken(reader, () => valueType(reader));
  const limits = readLimits(reader);
  return { type, ...limits, first: withFirst ? taken(reader, skipConstant) : undefined };
}

/** The table as it stands in a table section, with this maximum. */
export function tableEntry({ type, initial, first }: Table, maximum: number): Uint8Array {
  const limits = [0x01, ...leb(initial), ...leb(maximum)];
  return join(first === undefined ? [type, limits] : [[WITH_FIRST, 0x00], type, limits, first]);
}

function taken(reader: Reader, step: (reader: Reader) => void): Uint8Array {
  const start = reader.at;
  step(reader);
  return reader.bytes.subarray(start, reader.at);
}
