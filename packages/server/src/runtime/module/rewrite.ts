import { GROWN_EXPORT, MEMORY_IMPORT, REFUSED_EXPORT, type ModulePlan } from "../protocol.ts";
import { MOST_TABLE_ELEMENTS } from "./check.ts";
import { findGrowth, type Place } from "./instructions.ts";
import { Reader } from "./reader.ts";
import { SECTION, type ModuleShape, type Table } from "./sections.ts";
import { join, leb, text, type Chunk } from "./writer.ts";

export interface Rewritten {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly watchesGrowth: boolean;
}

/**
 * The module as it is run: its memory is imported, so that one memory serves many instances one after
 * another, with the maximum the function may have; and every `memory.grow` goes through a function
 * that notes how it went. The guest can tell no difference: added things stand behind its own, at
 * indices that its code does not name.
 */
export function rewriteModule(shape: ModuleShape, memory: ModulePlan["memory"]): Rewritten {
  const changed = new Map<number, Uint8Array | null>();
  if (shape.tables.length > 0) changed.set(SECTION.table, cappedTables(shape.tables));
  if (memory === null) return { bytes: assemble(shape, changed), watchesGrowth: false };
  changed.set(SECTION.memory, null);
  changed.set(SECTION.import, append(shape, SECTION.import, memoryImport(memory)));
  const bodies = growingBodies(shape);
  const watchesGrowth = bodies !== undefined && bodies.some(({ places }) => places.length > 0);
  if (watchesGrowth) watchGrowth(shape, bodies, changed);
  return { bytes: assemble(shape, changed), watchesGrowth };
}

function memoryImport({ initialPages, maximumPages }: NonNullable<ModulePlan["memory"]>): number[] {
  const limits = [0x01, ...leb(initialPages), ...leb(maximumPages)];
  return [...text(MEMORY_IMPORT.module), ...text(MEMORY_IMPORT.name), 0x02, ...limits];
}

/** Every table with a maximum, so that all together can never grow over what tables may have. */
function cappedTables(tables: readonly Table[]): Uint8Array {
  const elements = tables.reduce((sum, { initial }) => sum + initial, 0);
  const share = Math.floor((MOST_TABLE_ELEMENTS - elements) / tables.length);
  const entries = tables.map(({ type, initial, maximum = initial + share }) =>
    join([type, [0x01], leb(initial), leb(Math.min(maximum, initial + share))]),
  );
  return join([leb(tables.length), ...entries]);
}

function content(shape: ModuleShape, id: number): Uint8Array {
  const section = shape.sections.find((candidate) => candidate.id === id);
  return section === undefined
    ? new Uint8Array(1)
    : shape.bytes.subarray(section.start, section.end);
}

/** A section with more entries at its end. */
function append(shape: ModuleShape, id: number, ...entries: (readonly number[])[]): Uint8Array {
  const old = content(shape, id);
  const reader = new Reader(old);
  const count = reader.u32();
  return join([leb(count + entries.length), old.subarray(reader.at), ...entries]);
}

interface Body extends Place {
  readonly places: readonly Place[];
}

/** Every function body with the growths in it; undefined where the code cannot be read. */
function growingBodies(shape: ModuleShape): Body[] | undefined {
  const section = shape.sections.find(({ id }) => id === SECTION.code);
  if (section === undefined) return undefined;
  const reader = new Reader(shape.bytes, section.start, section.end);
  const bodies: Body[] = [];
  for (let left = reader.u32(); left > 0; left -= 1) {
    const length = reader.u32();
    const start = reader.at;
    reader.skip(length);
    const body = new Reader(shape.bytes, start, reader.at);
    for (let groups = body.u32(); groups > 0; groups -= 1) {
      body.u32();
      const type = body.byte();
      if (type === 0x63 || type === 0x64) body.skipNumber();
    }
    const places = findGrowth(body);
    if (places === undefined) return undefined;
    bodies.push({ start, end: reader.at, places });
  }
  return bodies;
}

function watchGrowth(
  shape: ModuleShape,
  bodies: readonly Body[],
  changed: Map<number, Uint8Array | null>,
): void {
  // The type section counts a group of types as one entry, so the first new index is `types.length`.
  const type = shape.types.length;
  const grownType = type + 1;
  const refused = shape.globals;
  const grown = refused + 1;
  const call = [0x10, ...leb(shape.functions.length)];
  changed.set(
    SECTION.type,
    // (param i32) (result i32), and (param i32).
    append(shape, SECTION.type, [0x60, 0x01, 0x7f, 0x01, 0x7f], [0x60, 0x01, 0x7f, 0x00]),
  );
  changed.set(
    SECTION.global,
    append(
      shape,
      SECTION.global,
      [0x7f, 0x01, 0x41, 0x00, 0x0b], // an i32, mutable, that begins with 0
      [0x63, ...leb(grownType), 0x01, 0xd0, ...leb(grownType), 0x0b], // a function, mutable, null
    ),
  );
  changed.set(SECTION.function, append(shape, SECTION.function, leb(type)));
  changed.set(
    SECTION.export,
    append(
      shape,
      SECTION.export,
      [...text(REFUSED_EXPORT), 0x03, ...leb(refused)],
      [...text(GROWN_EXPORT), 0x03, ...leb(grown)],
    ),
  );
  const chunks: Chunk[] = [leb(bodies.length + 1)];
  for (const body of bodies) chunks.push(...rewriteBody(shape.bytes, body, call));
  const watcher = watchingBody(refused, grown, grownType);
  chunks.push(leb(watcher.length), watcher);
  changed.set(SECTION.code, join(chunks));
}

function rewriteBody(bytes: Uint8Array, body: Body, call: readonly number[]): Chunk[] {
  const parts: Chunk[] = [];
  let at = body.start;
  for (const place of body.places) {
    parts.push(bytes.subarray(at, place.start), call);
    at = place.end;
  }
  parts.push(bytes.subarray(at, body.end));
  return [leb(parts.reduce((sum, { length }) => sum + length, 0)), ...parts];
}

/**
 * (func (param i32) (result i32)): grows; sets the one global to 1 where that is refused, and else
 * calls the function in the other with the new size in pages, if there is one.
 */
function watchingBody(refused: number, grown: number, grownType: number): number[] {
  const locals = [0x00];
  const grow = [0x20, 0x00, 0x40, 0x00]; // local.get 0; memory.grow
  const isRefused = [0x22, 0x00, 0x41, 0x7f, 0x46, 0x04, 0x40]; // local.tee 0; i32.const -1; i32.eq; if
  const note = [0x41, 0x01, 0x24, ...leb(refused), 0x05]; // i32.const 1; global.set; else
  const isWatched = [0x23, ...leb(grown), 0xd1, 0x45, 0x04, 0x40]; // global.get; ref.is_null; i32.eqz; if
  const tell = [0x3f, 0x00, 0x23, ...leb(grown), 0x14, ...leb(grownType)]; // memory.size; global.get; call_ref
  const answer = [0x0b, 0x0b, 0x20, 0x00, 0x0b]; // end; end; local.get 0; end
  return [...locals, ...grow, ...isRefused, ...note, ...isWatched, ...tell, ...answer];
}

/** The order in which sections must stand; a section with id 0 may stand anywhere. */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

function assemble(
  shape: ModuleShape,
  changed: ReadonlyMap<number, Uint8Array | null>,
): Uint8Array<ArrayBuffer> {
  const chunks: Chunk[] = [shape.bytes.subarray(0, 8)];
  const present = new Set(shape.sections.map(({ id }) => id));
  const added = [...changed.keys()].filter((id) => !present.has(id) && changed.get(id) !== null);
  const pending = added.sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  const put = (id: number, bytes: Uint8Array) => chunks.push([id], leb(bytes.length), bytes);
  for (const { id, start, end } of shape.sections) {
    const before =
      id === 0 ? [] : pending.filter((next) => ORDER.indexOf(next) < ORDER.indexOf(id));
    for (const next of pending.splice(0, before.length)) put(next, changed.get(next)!);
    const replacement = changed.get(id);
    if (replacement === undefined) put(id, shape.bytes.subarray(start, end));
    else if (replacement !== null) put(id, replacement);
  }
  for (const id of pending) put(id, changed.get(id)!);
  return join(chunks);
}
