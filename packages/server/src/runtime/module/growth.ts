import {
  GROWN_EXPORT,
  PAGES_EXPORT,
  REFUSED_EXPORT,
  TABLE_REFUSED_EXPORT,
  type ModulePlan,
} from "../protocol.ts";
import type { Additions } from "./additions.ts";
import {
  call,
  constant,
  END,
  getGlobal,
  getLocal,
  I32,
  I64,
  IF,
  RETURN,
  setGlobal,
  setLocal,
} from "./encode.ts";
import type { CappedTable } from "./tables.ts";
import { leb, signedLeb, type Chunk } from "./writer.ts";

const MEMORY_SIZE = [0x3f, 0x00];
const MEMORY_GROW = [0x40, 0x00];
const REF_IS_NULL = 0xd1;
const NOT = 0x45;
const CALL_REF = 0x14;
const TO_I32 = 0xa7;
const TO_I64 = 0xad;

/** Instructions that a 64-bit memory has in another width. */
const NARROW = {
  type: I32,
  const: 0x41,
  add: 0x6a,
  sub: 0x6b,
  equal: 0x46,
  above: 0x4b,
  atMost: 0x4d,
};
const WIDE = {
  type: I64,
  const: 0x42,
  add: 0x7c,
  sub: 0x7d,
  equal: 0x51,
  above: 0x56,
  atMost: 0x58,
};

/** What stands instead of `memory.grow` and of `memory.size`. */
export interface VirtualSize {
  readonly grow: Chunk;
  readonly size: Chunk;
}

/**
 * Gives the guest a memory size of its own: a count of pages that begins with what the module declares
 * and grows up to its maximum, whatever the size of the memory that serves it. `declaredMaximum` is
 * the module's own, or WebAssembly's.
 */
export function addVirtualSize(
  added: Additions,
  memory: NonNullable<ModulePlan["memory"]>,
  declaredMaximum: number,
): VirtualSize {
  const pages = added.global(PAGES_EXPORT, [I32], constant(memory.initialPages));
  const refused = added.global(REFUSED_EXPORT, [I32], constant(0));
  const grownType = added.type([I32], 1);
  const grownRef = [...leb(grownType)];
  const grown = added.global(GROWN_EXPORT, [0x63, ...grownRef], [0xd0, ...grownRef]);

  const ops = memory.wide ? WIDE : NARROW;
  const getPages = memory.wide ? [...getGlobal(pages), TO_I64] : getGlobal(pages);
  const narrow = memory.wide ? [TO_I32] : [];
  const number = (value: number) => [ops.const, ...signedLeb(value)];
  const [delta, old, next] = [0, 1, 2];
  /** How much more there may be until `most`. */
  const room = (most: number) => [...number(most), ...getLocal(old), ops.sub];
  const note = [...constant(1), ...setGlobal(refused)];
  const refuse = [...number(-1), RETURN];
  const body = [
    [0x01, 0x02, ops.type], // two more locals
    [...getPages, ...setLocal(old)],
    [...getLocal(delta), ...room(memory.maximumPages), ops.above, ...IF],
    // The module's own maximum refuses the rest by itself.
    [...getLocal(delta), ...room(declaredMaximum), ops.atMost, ...IF, ...note, END],
    [...refuse, END],
    [...getLocal(old), ...getLocal(delta), ops.add, ...setLocal(next)],
    [...getLocal(next), ...MEMORY_SIZE, ops.above, ...IF],
    [...getLocal(next), ...MEMORY_SIZE, ops.sub, ...MEMORY_GROW],
    [...number(-1), ops.equal, ...IF, ...note, ...refuse, END, END],
    [...getLocal(next), ...narrow, ...setGlobal(pages)],
    [...getGlobal(grown), REF_IS_NULL, NOT, ...IF],
    [...getGlobal(pages), ...getGlobal(grown), CALL_REF, ...grownRef, END],
    [...getLocal(old), END],
  ].flat();
  const grow = added.function(added.type([ops.type], 1, [ops.type]), body);
  return { grow: call(grow), size: getPages };
}

/** What stands instead of `table.grow`, by table; those that may grow as far as they say have nothing. */
export function addTableGrowth(
  added: Additions,
  tables: ReadonlyMap<number, CappedTable>,
): ReadonlyMap<number, readonly Chunk[]> {
  if (tables.size === 0) return new Map();
  const refused = added.global(TABLE_REFUSED_EXPORT, [I32], constant(0));
  return new Map(
    [...tables].map(([index, { type, declaredMaximum }]) => {
      const signature = added.type([...type, I32], 2, [I32]);
      const body = tableGrowing(index, refused, declaredMaximum);
      return [index, [call(added.function(signature, body))]];
    }),
  );
}

/** (func (param ref i32) (result i32)): grows, and notes where only the limit refuses it. */
function tableGrowing(table: number, refused: number, declaredMaximum: number): number[] {
  const [value, delta, old] = [0, 1, 2];
  const tableSize = [0xfc, 0x10, ...leb(table)];
  const tableGrow = [0xfc, 0x0f, ...leb(table)];
  return [
    [0x01, 0x01, I32], // one more local
    [...getLocal(value), ...getLocal(delta), ...tableGrow, ...setLocal(old)],
    [...getLocal(old), ...constant(-1), NARROW.equal, ...IF],
    // As a signed constant: the same 32 bits.
    [...getLocal(delta), ...constant(declaredMaximum | 0), ...tableSize, NARROW.sub],
    [NARROW.atMost, ...IF, ...constant(1), ...setGlobal(refused), END, END],
    [...getLocal(old), END],
  ].flat();
}
