import { MEMORY_IMPORT, type ModulePlan } from "../protocol.ts";
import { addTableGrowth, addVirtualSize } from "./growth.ts";
import { Additions, append } from "./additions.ts";
import { mostPages, type ModuleLimits } from "./check.ts";
import { readCode, writeCode, type Code, type Replacement } from "./code.ts";
import { addDepthCount } from "./depth.ts";
import { DepthPlaces } from "./depth-places.ts";
import { addInPieces } from "./in-pieces.ts";
import type { Place } from "./instructions.ts";
import { Positions } from "./positions.ts";
import { SECTION, type ModuleShape } from "./sections.ts";
import { addLook, addTailCallHook } from "./tail-calls.ts";
import { capTables, MOST_TABLE_ELEMENTS, tableSection, type CappedTable } from "./tables.ts";
import { byteLength, join, leb, text, type Chunk } from "./writer.ts";

export interface Rewritten {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether the guest's size of its memory is its own: the module has PAGES_EXPORT and its companions. */
  readonly watchesGrowth: boolean;
  /** Whether the module has TABLE_REFUSED_EXPORT. */
  readonly watchesTables: boolean;
  /** The function in which one recursive call too many traps. */
  readonly stackTrap: number | null;
  readonly positions: Positions;
}

/**
 * The module as it is run: its memory is imported, so that one memory serves many instances one after
 * another, also one that is larger than the guest's; what grows goes through functions that keep the
 * limits and note how it went; tail calls and bulk operations can be ended from outside, and large fills and
 * copies go piece by piece; recursive calls are counted where their depth has a limit; and custom sections
 * are gone.
 * Added things stand behind the guest's own, at indices that its code does not name. The one difference
 * that it can see: in a memory larger than its own it can read and write behind its end.
 */
export function rewriteModule(
  shape: ModuleShape,
  memory: ModulePlan["memory"],
  { tableElements = MOST_TABLE_ELEMENTS, stackCalls }: ModuleLimits,
): Rewritten {
  const changed = new Map<number, readonly Chunk[] | null>();
  const tables = capTables(shape.tables, tableElements);
  if (tables.length > 0) changed.set(SECTION.table, [tableSection(tables)]);
  if (memory !== null) {
    changed.set(SECTION.memory, null);
    changed.set(SECTION.import, append(shape, SECTION.import, [memoryImport(memory)]));
  }
  const depth = stackCalls === undefined ? undefined : new DepthPlaces(shape);
  const counted = depth?.any === true ? stackCalls : undefined;
  const code = readCode(shape, counted === undefined ? undefined : depth);
  const watched =
    code === undefined ? undefined : watch(shape, code, { memory, tables, stackCalls: counted });
  for (const [id, chunks] of watched?.sections ?? []) changed.set(id, chunks);
  const chunks = assemble(shape, changed);
  return {
    bytes: join(chunks),
    watchesGrowth: watched?.memory === true,
    watchesTables: watched?.tables === true,
    stackTrap: watched?.stackTrap ?? null,
    positions: new Positions(shape, chunks),
  };
}

function memoryImport({ initialPages, maximumPages, wide }: NonNullable<ModulePlan["memory"]>) {
  const limits = [wide ? 0x05 : 0x01, ...leb(initialPages), ...leb(maximumPages)];
  return [...text(MEMORY_IMPORT.module), ...text(MEMORY_IMPORT.name), 0x02, ...limits];
}

interface Watched {
  readonly sections: ReadonlyMap<number, readonly Chunk[]>;
  readonly memory: boolean;
  readonly tables: boolean;
  readonly stackTrap: number | undefined;
}

/** Undefined where there is nothing that would have to be watched. */
function watch(
  shape: ModuleShape,
  code: Code,
  what: {
    readonly memory: ModulePlan["memory"];
    readonly tables: readonly CappedTable[];
    readonly stackCalls: number | undefined;
  },
): Watched | undefined {
  const { memory, stackCalls } = what;
  const places = code.placed.flatMap((body) => body.places);
  const grows = memory !== null && places.some(({ kind }) => kind === "memory.grow");
  const tables = new Map<number, CappedTable>();
  for (const { kind, index } of places) {
    const table = kind === "table.grow" ? what.tables[index] : undefined;
    if (table !== undefined && table.cap < table.declaredMaximum) tables.set(index, table);
  }
  const has = (...kinds: Place["kind"][]) => places.some(({ kind }) => kinds.includes(kind));
  const moves = memory !== null && has("memory.fill", "memory.copy");
  const bulk = has("bulk");
  const looks = bulk || moves || has("tail call");
  if (!grows && !looks && tables.size === 0 && stackCalls === undefined) return undefined;
  const added = new Additions(shape);
  const size = grows ? addVirtualSize(added, memory, declaredMaximum(shape, memory)) : undefined;
  const tableCalls = addTableGrowth(added, tables);
  const hook = looks ? [addTailCallHook(added)] : undefined;
  const look = bulk && hook !== undefined ? [addLook(added, hook[0]!)] : undefined;
  const pieces =
    moves && hook !== undefined ? addInPieces(added, hook[0]!, memory.wide) : undefined;
  const depth = stackCalls === undefined ? undefined : addDepthCount(added, shape, stackCalls);
  const replacement: Replacement = (place) => {
    switch (place.kind) {
      case "memory.grow":
        return size && [size.grow];
      case "memory.size":
        return size && [size.size];
      case "table.grow":
        return tableCalls.get(place.index);
      case "tail call":
        return hook;
      case "bulk":
        return look;
      case "memory.fill":
        return pieces && [pieces.fill];
      case "memory.copy":
        return pieces && [pieces.copy];
      case "recursive call":
      case "local groups":
      case "depth local":
      case "whole body":
      case "caught":
      case "end of body":
        return depth?.replacement(place.kind, place);
    }
  };
  const content = writeCode(shape, code, { replacement, added: added.bodies });
  // Behind that: a replacement may need a type more.
  const sections = added.sections();
  sections.set(SECTION.code, content);
  return { sections, memory: grows, tables: tables.size > 0, stackTrap: depth?.trap };
}

function declaredMaximum(shape: ModuleShape, { wide }: NonNullable<ModulePlan["memory"]>): number {
  return Math.min(shape.memories[0]?.maximum ?? Infinity, mostPages(wide));
}

/** The order in which sections must stand. Custom ones are the host's to read; V8 would only hold them. */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

function assemble(
  shape: ModuleShape,
  changed: ReadonlyMap<number, readonly Chunk[] | null>,
): Chunk[] {
  const chunks: Chunk[] = [shape.bytes.subarray(0, 8)];
  const put = (id: number, content: readonly Chunk[]) => {
    chunks.push([id], leb(byteLength(content)), ...content);
  };
  const present = new Set(shape.sections.map(({ id }) => id));
  const pending = [...changed]
    .filter(([id, content]) => !present.has(id) && content !== null)
    .sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b));
  for (const { id, start, end } of shape.sections) {
    while (pending.length > 0 && ORDER.indexOf(pending[0]![0]) < ORDER.indexOf(id)) {
      const [next, content] = pending.shift()!;
      put(next, content!);
    }
    const content = changed.get(id);
    if (content === undefined) put(id, [shape.bytes.subarray(start, end)]);
    else if (content !== null) put(id, content);
  }
  for (const [id, content] of pending) put(id, content!);
  return chunks;
}
