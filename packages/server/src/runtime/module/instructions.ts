import type { NexusError } from "../../core/errors.ts";
import { skipImmediates } from "./immediates.ts";
import { invalidModule, Reader } from "./reader.ts";

/**
 * Where an instruction stands that is replaced: its first byte and the byte behind it. What is put in
 * front of an instruction replaces nothing.
 */
export interface Place {
  readonly kind:
    | "memory.grow"
    | "memory.size"
    | "memory.fill"
    | "memory.copy"
    | "table.grow"
    | "tail call"
    | "bulk"
    | DepthPlaceKind;
  /** Of a table; a memory is always the first. */
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

/** See depth-places.ts. */
export type DepthPlaceKind =
  | "recursive call"
  | "local groups"
  | "depth local"
  | "whole body"
  | "caught"
  | "end of body";

/** Opcodes, as far as somebody asks for them. */
export const OPCODE = {
  loop: 0x03,
  try: 0x06,
  catch: 0x07,
  end: 0x0b,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  callRef: 0x14,
  returnCallRef: 0x15,
  delegate: 0x18,
  catchAll: 0x19,
  tryTable: 0x1f,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  refFunc: 0xd2,
  bulk: 0xfc,
} as const;

const TABLE_GROW = 0x0f;
/** Those that may take long: init, copy and fill of memories and tables. */
const LARGE_OPERATIONS: ReadonlyMap<number, Place["kind"]> = new Map([
  [8, "bulk"],
  [10, "memory.copy"],
  [11, "memory.fill"],
  [12, "bulk"],
  [14, "bulk"],
  [17, "bulk"],
]);

/**
 * Tells of every instruction of a body, `reader` behind the locals: its opcode and where it begins; the
 * reader stands behind it. MODULE_INVALID where one is not known (a proposal newer than this table): what
 * follows it cannot be read.
 */
export function walk(reader: Reader, visit: (opcode: number, start: number) => void): void {
  while (!reader.done) {
    const start = reader.at;
    const opcode = reader.byte();
    if (!skipImmediates(reader, opcode)) throw unknownInstruction(start);
    visit(opcode, start);
  }
}

/** The first number behind the opcode at `start`. */
export function firstIndex({ bytes }: Reader, start: number): number {
  return new Reader(bytes, start + 1).u32();
}

/**
 * Tells of every instruction in one function's body that asks for the size of the memory, or grows it
 * or a table, and of every tail call and bulk operation.
 */
export function findPlaces(reader: Reader, found: (place: Place) => void): void {
  walk(reader, (opcode, start) => {
    switch (opcode) {
      case OPCODE.memoryGrow:
        return found({ kind: "memory.grow", index: 0, start, end: reader.at });
      case OPCODE.memorySize:
        return found({ kind: "memory.size", index: 0, start, end: reader.at });
      case OPCODE.returnCall:
      case OPCODE.returnCallIndirect:
      case OPCODE.returnCallRef:
        return found({ kind: "tail call", index: 0, start, end: start });
      case OPCODE.bulk:
        return findBulk(reader, start, found);
    }
  });
}

function findBulk(reader: Reader, start: number, found: (place: Place) => void): void {
  const immediates = new Reader(reader.bytes, start + 1);
  const operation = immediates.u32();
  const kind = LARGE_OPERATIONS.get(operation);
  if (kind !== undefined) found({ kind, index: 0, start, end: start });
  if (operation !== TABLE_GROW) return;
  found({ kind: "table.grow", index: immediates.u32(), start, end: reader.at });
}

/** Steps over a constant expression and its `end`; MODULE_INVALID where it is none. */
export function skipConstant(reader: Reader): void {
  findReferences(reader, () => undefined);
}

/** The same, and tells of every function that it makes a reference of. */
export function findReferences(reader: Reader, found: (functionIndex: number) => void): void {
  for (;;) {
    const start = reader.at;
    const opcode = reader.byte();
    if (opcode === OPCODE.end) return;
    if (!skipImmediates(reader, opcode)) throw unknownInstruction(start);
    if (opcode === OPCODE.refFunc) found(firstIndex(reader, start));
  }
}

function unknownInstruction(at: number): NexusError {
  return invalidModule(`it has an instruction that is not known, at byte ${at}`);
}
