import { skipLocals, type Body } from "./bodies.ts";
import { HANDLERS, readCallGraph, type CallGraph } from "./call-graph.ts";
import { circles } from "./circles.ts";
import { firstIndex, OPCODE, walk, type DepthPlaceKind, type Place } from "./instructions.ts";
import { Reader } from "./reader.ts";
import type { ModuleShape } from "./sections.ts";

/**
 * Where the depth of a module's calls is counted. A call is recursive, and counts, if what it calls may
 * come to call its caller: without such calls no stack can hold a function twice. A tail call takes its
 * caller's place and counts nothing. A function that makes such calls keeps in a local what the count
 * was when it was entered, which is what it has to be whenever its own code runs: it puts that back behind
 * each of them. So does one that can catch what is thrown further down.
 */
export class DepthPlaces {
  readonly #shape: ModuleShape;
  readonly #graph: CallGraph;
  readonly #circleOf: Int32Array;

  constructor(shape: ModuleShape) {
    this.#shape = shape;
    this.#graph = readCallGraph(shape);
    this.#circleOf = circles(this.#graph);
  }

  /** Whether any call can be recursive. */
  get any(): boolean {
    return this.#circleOf.some((_, node) => this.#isInCircle(node));
  }

  /** Tells of each in the body; of those at the same byte in their order. */
  find(body: Body, found: (place: Place) => void): void {
    const handlers = this.#graph.handlers[body.index]!;
    if (handlers === HANDLERS.none && !this.#isInCircle(body.index)) return;
    const put: Put = (kind, index, start, end = start) => found({ kind, index, start, end });
    const reader = new Reader(this.#shape.bytes, body.start, body.end);
    const local = this.#keep(body, reader, put);
    walk(reader, (opcode, start) => {
      if (this.#isRecursive(body, opcode, () => firstIndex(reader, start))) {
        put("recursive call", local, start, reader.at);
      }
      if (handlers !== HANDLERS.none && goesOn(opcode, handlers)) {
        put(reader.done ? "end of body" : "caught", local, reader.at);
      }
    });
  }

  /** Has the count kept; answers with the local that is put behind the body's own. */
  #keep({ index, start }: Body, reader: Reader, put: Put): number {
    const type = this.#shape.functions[index]!;
    const groups = new Reader(reader.bytes, start);
    put("local groups", groups.u32(), start, groups.at);
    const local = this.#shape.types[type]!.params.length + skipLocals(reader);
    put("depth local", local, reader.at);
    if (this.#graph.handlers[index] === HANDLERS.new) put("whole body", type, reader.at);
    return local;
  }

  #isInCircle(node: number): boolean {
    const { starts, targets } = this.#graph;
    for (let at = starts[node]!; at < starts[node + 1]!; at += 1) {
      if (this.#circleOf[targets[at]!] === this.#circleOf[node]) return true;
    }
    return false;
  }

  #isRecursive({ index }: Body, opcode: number, operand: () => number): boolean {
    switch (opcode) {
      case OPCODE.call:
        return this.#circleOf[operand()] === this.#circleOf[index];
      case OPCODE.callIndirect:
      case OPCODE.callRef:
        return this.#circleOf[this.#graph.typeNode(operand())] === this.#circleOf[index];
      default:
        return false;
    }
  }
}

type Put = (kind: DepthPlaceKind, index: number, start: number, end?: number) => void;

/**
 * Whether something may go on behind this instruction that was thrown further down. `try_table` goes on
 * wherever a label is: behind the end of a block (the body's own too) and at the beginning of a loop.
 */
function goesOn(opcode: number, handlers: number): boolean {
  switch (opcode) {
    case OPCODE.catch:
    case OPCODE.catchAll:
      return true;
    case OPCODE.end:
    case OPCODE.loop:
    case OPCODE.delegate:
      return handlers === HANDLERS.new;
    default:
      return false;
  }
}
