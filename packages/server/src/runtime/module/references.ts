import { findReferences } from "./instructions.ts";
import { Reader } from "./reader.ts";
import { SECTION, type ModuleShape } from "./sections.ts";
import { valueType } from "./types.ts";

/** Tells of every function that a module refers to outside of its code; of some more than once. */
export function referencedFunctions(shape: ModuleShape, found: (index: number) => void): void {
  for (const { first } of shape.tables) {
    if (first !== undefined) findReferences(new Reader(first), found);
  }
  each(shape, SECTION.global, (reader) => {
    valueType(reader);
    reader.byte();
    findReferences(reader, found);
  });
  each(shape, SECTION.element, (reader) => readSegment(reader, found));
}

function each(shape: ModuleShape, id: number, read: (reader: Reader) => void): void {
  const section = shape.sections.find((candidate) => candidate.id === id);
  if (section === undefined) return;
  const reader = new Reader(shape.bytes, section.start, section.end);
  for (let left = reader.u32(); left > 0; left -= 1) read(reader);
}

/** Bits in the flags of a segment of elements. */
const FLAG = { notActive: 1, tableNamed: 2, expressions: 4 };

function readSegment(reader: Reader, found: (index: number) => void): void {
  const flags = reader.u32();
  const has = (flag: number) => (flags & flag) !== 0;
  if (!has(FLAG.notActive)) {
    if (has(FLAG.tableNamed)) reader.u32();
    findReferences(reader, found);
  }
  // What kind of elements: a byte, or a type where they are expressions.
  if (has(FLAG.notActive | FLAG.tableNamed)) valueType(reader);
  for (let left = reader.u32(); left > 0; left -= 1) {
    if (has(FLAG.expressions)) findReferences(reader, found);
    else found(reader.u32());
  }
}
