import { bodies, instructionsOf } from "./bodies.ts";
import type { Graph } from "./circles.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { firstIndex, OPCODE, walk } from "./instructions.ts";
import { referencedFunctions } from "./references.ts";
import type { ModuleShape } from "./sections.ts";

/** What of a function's code goes on after something was thrown: nothing, handlers of the older kind, or `try_table`. */
export const HANDLERS = { none: 0, old: 1, new: 2 } as const;

export interface CallGraph extends Graph {
  /** One of HANDLERS for each function. */
  readonly handlers: Uint8Array;
  /** The node of calls of any function of a type: through a table, or a reference. */
  typeNode(type: number): number;
}

/**
 * Which functions may call which. The nodes are the functions, and behind them the types: a call by type
 * may lead to each function of the type that the module has a reference of. Types that differ only in
 * which references they take count as one, so the graph has every call that can happen, and some that
 * cannot. (No call of an imported function comes back into the module.)
 */
export function readCallGraph(shape: ModuleShape): CallGraph {
  const functions = shape.functions.length;
  const alike = alikeTypes(shape);
  const typeNode = (type: number) => functions + (alike[type] ?? 0);
  const builder = new GraphBuilder(functions + shape.types.length);
  const referenced = new Uint8Array(functions);
  const handlers = new Uint8Array(functions);
  referencedFunctions(shape, (index) => (referenced[index] = 1));
  for (const body of bodies(shape)) {
    builder.begin(body.index);
    const reader = instructionsOf(shape, body);
    walk(reader, (opcode, start) => {
      switch (opcode) {
        case OPCODE.call:
        case OPCODE.returnCall:
          return builder.add(firstIndex(reader, start));
        case OPCODE.callIndirect:
        case OPCODE.returnCallIndirect:
        case OPCODE.callRef:
        case OPCODE.returnCallRef:
          return builder.add(typeNode(firstIndex(reader, start)));
        case OPCODE.refFunc:
          referenced[firstIndex(reader, start)] = 1;
          return;
        case OPCODE.try:
          handlers[body.index] ||= HANDLERS.old;
          return;
        case OPCODE.tryTable:
          handlers[body.index] = HANDLERS.new;
      }
    });
  }
  addTargetsOfTypes(builder, shape, { referenced, typeNode });
  return { ...builder.end(), handlers, typeNode };
}

function addTargetsOfTypes(
  builder: GraphBuilder,
  shape: ModuleShape,
  known: { readonly referenced: Uint8Array; readonly typeNode: (type: number) => number },
): void {
  const targets = new Map<number, number[]>();
  for (const [index, type] of shape.functions.entries()) {
    if (known.referenced[index] !== 1) continue;
    const node = known.typeNode(type);
    const others = targets.get(node);
    if (others === undefined) targets.set(node, [index]);
    else others.push(index);
  }
  for (const [node, indices] of [...targets].sort(([a], [b]) => a - b)) {
    builder.begin(node);
    for (const index of indices) builder.add(index);
  }
}

/** For each type the first one that looks the same. */
function alikeTypes({ types }: ModuleShape): Int32Array {
  const first = new Map<string, number>();
  return Int32Array.from(types, (type, index) => {
    const text = type === null ? "" : `${type.params}>${type.results}`;
    const known = first.get(text);
    if (known === undefined) first.set(text, index);
    return known ?? index;
  });
}
