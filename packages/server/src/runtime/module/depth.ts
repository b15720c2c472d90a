import type { Additions } from "./additions.ts";
import {
  call,
  constant,
  END,
  getGlobal,
  getLocal,
  I32,
  IF,
  setGlobal,
  setLocal,
  UNREACHABLE,
} from "./encode.ts";
import type { DepthPlaceKind, Place } from "./instructions.ts";
import { Reader } from "./reader.ts";
import type { ModuleShape } from "./sections.ts";
import { valueType, valueTypes } from "./types.ts";
import { join, leb, signedLeb, type Chunk } from "./writer.ts";

const [ADD, AT_LEAST] = [0x6a, 0x4f];
const [EMPTY, BLOCK] = [0x40, 0x02];

export interface DepthCount {
  /** The function in which one call too many traps. */
  readonly trap: number;
  readonly replacement: (kind: DepthPlaceKind, place: Place) => readonly Chunk[];
}

/**
 * What stands at the places of `DepthPlaces`, so that no more than `mostCalls` recursive calls are under
 * way at a time: one more traps.
 */
export function addDepthCount(added: Additions, shape: ModuleShape, mostCalls: number): DepthCount {
  const depth = added.ownGlobal([I32], constant(0));
  // No guest can catch a trap. The function by itself tells this one from the guest's own.
  const trap = added.function(added.type([], 0), [0x00, UNREACHABLE, END]);
  const putBack = once((local) => join([getLocal(local), setGlobal(depth)]));
  const countUp = once((local) =>
    join([
      [...getLocal(local), ...constant(mostCalls), AT_LEAST, ...IF, ...call(trap), END],
      [...getLocal(local), ...constant(1), ADD, ...setGlobal(depth)],
    ]),
  );
  const blockType = once((type) => blockTypeOf(added, shape, type));
  const replacement: DepthCount["replacement"] = (kind, { index, start, end }) => {
    switch (kind) {
      case "recursive call":
        return [countUp(index), shape.bytes.subarray(start, end), putBack(index)];
      case "local groups":
        return [leb(index + 1)];
      case "depth local":
        return [[0x01, I32, ...getGlobal(depth), ...setLocal(index)]];
      case "whole body":
        // Takes the place of the body as what its outermost label means.
        return [[BLOCK], blockType(index)];
      case "caught":
        return [putBack(index)];
      case "end of body":
        // The end that stands before is the block's now.
        return [putBack(index), [END]];
    }
  };
  return { trap, replacement };
}

/** Makes a chunk at the first time that it is asked for: a large module has some in ten thousand places. */
function once(make: (of: number) => Chunk): (of: number) => Chunk {
  const known = new Map<number, Chunk>();
  return (of) => {
    const chunk = known.get(of) ?? make(of);
    known.set(of, chunk);
    return chunk;
  };
}

/** The type of a block that gives what a function of a type gives. */
function blockTypeOf(added: Additions, { bytes, types }: ModuleShape, type: number): Chunk {
  const { results, resultsAt } = types[type]!;
  if (results.length === 0) return [EMPTY];
  const reader = new Reader(bytes, resultsAt);
  if (results.length === 1) {
    reader.u32();
    const at = reader.at;
    valueType(reader);
    return bytes.slice(at, reader.at);
  }
  valueTypes(reader);
  return signedLeb(added.blockType(bytes.slice(resultsAt, reader.at)));
}
