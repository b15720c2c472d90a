import { bodies, codeSection, instructionsOf, type Body } from "./bodies.ts";
import type { DepthPlaces } from "./depth-places.ts";
import { findPlaces, type Place } from "./instructions.ts";
import { invalidModule, Reader } from "./reader.ts";
import type { ModuleShape } from "./sections.ts";
import { byteLength, leb, type Chunk } from "./writer.ts";

/** A function's body with what is replaced in it. */
interface PlacedBody extends Body {
  readonly places: readonly Place[];
}

export interface Code {
  readonly bodies: number;
  /** Where the first body's length stands, and the end of the last body. */
  readonly start: number;
  readonly end: number;
  /** Those with places only. */
  readonly placed: readonly PlacedBody[];
}

/** In all of a module. Most programs have some tens; what has more would cost memory to note. */
const MOST_PLACES = 250_000;

/**
 * Undefined where there is no code; MODULE_INVALID where there is too much to replace in it. `depth`:
 * its places are wanted as well.
 */
export function readCode(shape: ModuleShape, depth?: DepthPlaces): Code | undefined {
  const section = codeSection(shape);
  if (section === undefined) return undefined;
  const reader = new Reader(shape.bytes, section.start, section.end);
  const count = reader.u32();
  const placed: PlacedBody[] = [];
  let left = MOST_PLACES;
  for (const body of bodies(shape)) {
    const places: Place[] = [];
    const note = (place: Place) => {
      left -= 1;
      if (left < 0) throw tooMany(depth);
      places.push(place);
    };
    depth?.find(body, note);
    findPlaces(instructionsOf(shape, body), note);
    // What is put at a byte stands before what is replaced there.
    if (depth !== undefined) places.sort((a, b) => a.start - b.start || a.end - b.end);
    if (places.length > 0) placed.push({ ...body, places });
  }
  return { bodies: count, start: reader.at, end: section.end, placed };
}

function tooMany(depth: DepthPlaces | undefined) {
  const [more, leave] =
    depth === undefined ? ["", ""] : ["recursive calls, ", " (leave `limits.stack` out)"];
  return invalidModule(
    `it has more than ${MOST_PLACES} ${more}growths, tail calls and bulk operations${leave}`,
  );
}

/** What stands in an instruction's place; undefined: it stays. */
export type Replacement = (place: Place) => readonly Chunk[] | undefined;

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
  body: PlacedBody,
  replacement: Replacement,
): Chunk[] | undefined {
  const parts: Chunk[] = [];
  let from = body.start;
  for (const place of body.places) {
    const instead = replacement(place);
    if (instead === undefined) continue;
    parts.push(shape.bytes.subarray(from, place.start), ...instead);
    from = place.end;
  }
  if (parts.length === 0) return undefined;
  parts.push(shape.bytes.subarray(from, body.end));
  return parts;
}
