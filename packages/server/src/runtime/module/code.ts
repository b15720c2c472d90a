import { findPlaces, type Place } from "./instructions.ts";
import { invalidModule, Reader } from "./reader.ts";
import { SECTION, type ModuleShape } from "./sections.ts";
import { byteLength, leb, type Chunk } from "./writer.ts";

/** A function's body with what is replaced in it. */
interface Body {
  /** Where its length stands, and where that ends and the body begins. */
  readonly at: number;
  readonly start: number;
  readonly end: number;
  readonly places: readonly Place[];
}

export interface Code {
  readonly bodies: number;
  /** Where the first body's length stands, and the end of the last body. */
  readonly start: number;
  readonly end: number;
  /** Those with places only. */
  readonly placed: readonly Body[];
}

/** In all of a module. Most programs have some tens; what has more would cost memory to note. */
const MOST_PLACES = 250_000;

/** Undefined where there is no code; MODULE_INVALID where there is too much to replace in it. */
export function readCode(shape: ModuleShape): Code | undefined {
  const section = shape.sections.find(({ id }) => id === SECTION.code);
  if (section === undefined) return undefined;
  const reader = new Reader(shape.bytes, section.start, section.end);
  const bodies = reader.u32();
  const code = { bodies, start: reader.at, end: section.end };
  const placed: Body[] = [];
  let noted = 0;
  for (let left = bodies; left > 0; left -= 1) {
    const at = reader.at;
    const length = reader.u32();
    const start = reader.at;
    reader.skip(length);
    const body = new Reader(shape.bytes, start, reader.at);
    skipLocals(body);
    const places: Place[] = [];
    const note = (place: Place) => {
      noted += 1;
      if (noted > MOST_PLACES) {
        throw invalidModule(
          `it has more than ${MOST_PLACES} growths, tail calls and bulk operations`,
        );
      }
      places.push(place);
    };
    findPlaces(body, note);
    if (places.length > 0) placed.push({ at, start, end: reader.at, places });
  }
  return { ...code, placed };
}

function skipLocals(body: Reader): void {
  for (let groups = body.u32(); groups > 0; groups -= 1) {
    body.u32();
    const type = body.byte();
    // A typed reference: the type it refers to follows.
    if (type === 0x63 || type === 0x64) body.skipNumber();
  }
}

/** What stands in an instruction's place; undefined: it stays. */
export type Replacement = (place: Place) => Chunk | undefined;

/** A code section's content: the bodies with their replacements, and the added ones behind them. */
export function writeCode(
  shape: ModuleShape,
  code: Code,
  { replacement, added }: { readonly replacement: Replacement; readonly added: readonly Chunk[] },
): Chunk[] {
  const chunks: Chunk[] = [leb(code.bodies + added.length)];
  let from = code.start;
  for (const body of code.placed) {
    const parts = rewriteBody(shape, body, replacement);
    if (parts === undefined) continue;
    chunks.push(shape.bytes.subarray(from, body.at), leb(byteLength(parts)), ...parts);
    from = body.end;
  }
  chunks.push(shape.bytes.subarray(from, code.end));
  for (const body of added) chunks.push(leb(body.length), body);
  return chunks;
}

/** Undefined where nothing changes. */
function rewriteBody(
  shape: ModuleShape,
  body: Body,
  replacement: Replacement,
): Chunk[] | undefined {
  const parts: Chunk[] = [];
  let from = body.start;
  for (const place of body.places) {
    const instead = replacement(place);
    if (instead === undefined) continue;
    parts.push(shape.bytes.subarray(from, place.start), instead);
    from = place.end;
  }
  if (parts.length === 0) return undefined;
  parts.push(shape.bytes.subarray(from, body.end));
  return parts;
}
