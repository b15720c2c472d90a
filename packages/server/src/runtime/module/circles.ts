/** A directed graph; node `n` leads to `targets` from `starts[n]` up to `starts[n + 1]`. */
export interface Graph {
  readonly starts: Int32Array;
  readonly targets: Int32Array;
}

/**
 * A number for each node: two nodes have the same if and only if each can be reached from the other. It
 * is the number of one of them.
 */
export function circles(graph: Graph): Int32Array {
  const walk = new CircleWalk(graph);
  for (let node = 0; node < walk.circleOf.length; node += 1) walk.from(node);
  return walk.circleOf;
}

const UNKNOWN = -1;

/** Tarjan's algorithm, without recursion: the graph is an unknown module's. */
class CircleWalk {
  readonly circleOf: Int32Array;
  readonly #graph: Graph;
  readonly #nextTarget: Int32Array;
  /** When each node was met first, and the earliest node without a circle that it leads back to. */
  readonly #metAt: Int32Array;
  readonly #earliest: Int32Array;
  #met = 0;
  /** Nodes that have no circle yet, in the order in which they were met. */
  readonly #open: Int32Array;
  #opened = 0;
  /** The way to the node that is looked at. */
  readonly #path: Int32Array;
  #depth = 0;

  constructor(graph: Graph) {
    const nodes = graph.starts.length - 1;
    this.#graph = graph;
    this.circleOf = new Int32Array(nodes).fill(UNKNOWN);
    this.#nextTarget = graph.starts.slice(0, nodes);
    this.#metAt = new Int32Array(nodes).fill(UNKNOWN);
    this.#earliest = new Int32Array(nodes);
    this.#open = new Int32Array(nodes);
    this.#path = new Int32Array(nodes);
  }

  /** Finds the circles of all that can be reached from here. */
  from(root: number): void {
    const { starts, targets } = this.#graph;
    if (this.#metAt[root] === UNKNOWN) this.#enter(root);
    while (this.#depth > 0) {
      const node = this.#path[this.#depth - 1]!;
      const at = this.#nextTarget[node]!;
      if (at === starts[node + 1]) {
        this.#leave(node);
        continue;
      }
      this.#nextTarget[node] = at + 1;
      const target = targets[at]!;
      if (this.#metAt[target] === UNKNOWN) this.#enter(target);
      else if (this.circleOf[target] === UNKNOWN) this.#leadsBack(node, this.#metAt[target]!);
    }
  }

  #enter(node: number): void {
    this.#metAt[node] = this.#met;
    this.#earliest[node] = this.#met;
    this.#met += 1;
    this.#open[this.#opened] = node;
    this.#opened += 1;
    this.#path[this.#depth] = node;
    this.#depth += 1;
  }

  #leave(node: number): void {
    this.#depth -= 1;
    if (this.#depth > 0) this.#leadsBack(this.#path[this.#depth - 1]!, this.#earliest[node]!);
    if (this.#earliest[node] !== this.#metAt[node]) return;
    // Nothing that was met since leads further back: all of that is one circle.
    let last: number;
    do {
      this.#opened -= 1;
      last = this.#open[this.#opened]!;
      this.circleOf[last] = node;
    } while (last !== node);
  }

  #leadsBack(node: number, to: number): void {
    if (to < this.#earliest[node]!) this.#earliest[node] = to;
  }
}
