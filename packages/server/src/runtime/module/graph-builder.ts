import type { Graph } from "./circles.ts";
import { invalidModule } from "./reader.ts";

/** 16 MB. The largest programs come to some hundred thousand. */
const MOST_EDGES = 4_000_000;

/** Collects a graph's edges, node by node. */
export class GraphBuilder {
  readonly #starts: Int32Array;
  /** The last node that led to each node. */
  readonly #lastFrom: Int32Array;
  #targets = new Int32Array(1_024);
  #edges = 0;
  #node = -1;

  constructor(nodes: number) {
    this.#starts = new Int32Array(nodes + 1);
    this.#lastFrom = new Int32Array(nodes).fill(-1);
  }

  /** The edges that follow are this node's; nodes must come in order, and may be left out. */
  begin(node: number): void {
    this.#starts.fill(this.#edges, this.#node + 1, node + 1);
    this.#node = node;
  }

  /** An edge that is there already is not kept again. */
  add(target: number): void {
    if (this.#lastFrom[target] === this.#node) return;
    this.#lastFrom[target] = this.#node;
    if (this.#edges === MOST_EDGES) {
      throw invalidModule(
        `its functions call each other in more than ${MOST_EDGES} ways: its depth of calls cannot be watched (leave \`limits.stack\` out)`,
      );
    }
    if (this.#edges === this.#targets.length) {
      const longer = new Int32Array(this.#edges * 2);
      longer.set(this.#targets);
      this.#targets = longer;
    }
    this.#targets[this.#edges] = target;
    this.#edges += 1;
  }

  end(): Graph {
    this.begin(this.#starts.length - 1);
    return { starts: this.#starts, targets: this.#targets.subarray(0, this.#edges) };
  }
}
