import type { NexusError } from "../../core/errors.ts";
import { skipBulk, skipImmediates } from "./immediates.ts";
import { invalidModule, Reader } from "./reader.ts";

/**
 * Where an instruction stands that is replaced: its first byte and the byte behind it. What is put in
 * front of a tail call or a bulk operation replaces nothing.
 */
export interface Place {
  readonly kind: "memory.grow" | "memory.size" | "table.grow" | "tail call" | "bulk";
  /** Of a table; a memory is always the first. */
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

const MEMORY_SIZE = 0x3f;
const MEMORY_GROW = 0x40;
const BULK = 0xfc;
const TABLE_GROW = 0x0f;
/** Those that may take long: init, copy and fill of memories and tables. */
const LARGE_OPERATIONS: ReadonlySet<number> = new Set([8, 10, 11, 12, 14, 17]);
const TAIL_CALLS: ReadonlySet<number> = new Set([0x12, 0x13, 0x15]);
const END = 0x0b;

/**
 * Tells of every instruction in one function's body that asks for the size of the memory, or grows it
 * or a table, and of every tail call and bulk operation; `reader` behind the locals. MODULE_INVALID where an instruction
 * is not known (a proposal newer than this table): what follows it cannot be read.
 */
export function findPlaces(reader: Reader, found: (place: Place) => void): void {
  while (!reader.done) {
    const start = reader.at;
    const opcode = reader.byte();
    if (opcode === MEMORY_GROW || opcode === MEMORY_SIZE) {
      const kind = opcode === MEMORY_GROW ? "memory.grow" : "memory.size";
      found({ kind, index: reader.u32(), start, end: reader.at });
    } else if (opcode === BULK) {
      const operation = reader.u32();
      const at = reader.at;
      if (!skipBulk(reader, operation)) throw unknownInstruction(start);
      if (LARGE_OPERATIONS.has(operation)) found({ kind: "bulk", index: 0, start, end: start });
      if (operation !== TABLE_GROW) continue;
      const index = new Reader(reader.bytes, at).u32();
      found({ kind: "table.grow", index, start, end: reader.at });
    } else {
      if (TAIL_CALLS.has(opcode)) found({ kind: "tail call", index: 0, start, end: start });
      if (!skipImmediates(reader, opcode)) throw unknownInstruction(start);
    }
  }
}

/** Steps over a constant expression and its `end`; MODULE_INVALID where it is none. */
export function skipConstant(reader: Reader): void {
  for (;;) {
    const opcode = reader.byte();
    if (opcode === END) return;
    if (!skipImmediates(reader, opcode)) throw unknownInstruction(reader.at - 1);
  }
}

function unknownInstruction(at: number): NexusError {
  return invalidModule(`it has an instruction that is not known, at byte ${at}`);
}
