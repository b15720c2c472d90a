import { Reader } from "./reader.ts";
import { SECTION, type ModuleShape, type Section } from "./sections.ts";

/** A function's body in a module. */
export interface Body {
  /** The function's, in which the imported come first. */
  readonly index: number;
  /** Where its length stands, and where that ends and the body begins. */
  readonly at: number;
  readonly start: number;
  readonly end: number;
}

export function codeSection(shape: ModuleShape): Section | undefined {
  return shape.sections.find(({ id }) => id === SECTION.code);
}

/** Every body in its order; MODULE_INVALID where the section does not hold them. */
export function* bodies(shape: ModuleShape): Generator<Body> {
  const section = codeSection(shape);
  if (section === undefined) return;
  const reader = new Reader(shape.bytes, section.start, section.end);
  const count = reader.u32();
  const imported = shape.functions.length - count;
  for (let own = 0; own < count; own += 1) {
    const at = reader.at;
    const length = reader.u32();
    const start = reader.at;
    reader.skip(length);
    yield { index: imported + own, at, start, end: reader.at };
  }
}

/** At the body's first instruction. */
export function instructionsOf({ bytes }: ModuleShape, { start, end }: Body): Reader {
  const reader = new Reader(bytes, start, end);
  skipLocals(reader);
  return reader;
}

/** Steps over the locals of a body; how many there are. */
export function skipLocals(reader: Reader): number {
  let locals = 0;
  for (let groups = reader.u32(); groups > 0; groups -= 1) {
    locals += reader.u32();
    const type = reader.byte();
    // A typed reference: the type it refers to follows.
    if (type === 0x63 || type === 0x64) reader.skipNumber();
  }
  return locals;
}
