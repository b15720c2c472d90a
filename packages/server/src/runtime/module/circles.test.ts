import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { circles } from "./circles.ts";
import { GraphBuilder } from "./graph-builder.ts";

/** `edges[n]`: what node `n` leads to. */
function graphOf(edges: readonly (readonly number[])[]) {
  const builder = new GraphBuilder(edges.length);
  for (const [node, targets] of edges.entries()) {
    if (targets.length === 0) continue;
    builder.begin(node);
    for (const target of targets) builder.add(target);
  }
  return builder.end();
}

function reachable(edges: readonly (readonly number[])[], from: number): ReadonlySet<number> {
  const seen = new Set([from]);
  for (const node of seen) for (const target of edges[node]!) seen.add(target);
  return seen;
}

test("circles() puts together what can be reached both ways, in any graph", () => {
  const graphs = fc.integer({ min: 1, max: 14 }).chain((nodes) =>
    fc.array(fc.array(fc.nat({ max: nodes - 1 }), { maxLength: 3 }), {
      minLength: nodes,
      maxLength: nodes,
    }),
  );
  fc.assert(
    fc.property(graphs, (edges) => {
      const circleOf = circles(graphOf(edges));
      const reach = edges.map((_, node) => reachable(edges, node));
      for (const [a] of edges.entries()) {
        for (const [b] of edges.entries()) {
          const both = reach[a]!.has(b) && reach[b]!.has(a);
          assert.equal(circleOf[a] === circleOf[b], both, `${a} and ${b}`);
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

test("circles() follows a way as long as a module may have functions", () => {
  const nodes = 300_000;
  const way = Array.from({ length: nodes }, (_, node) => [node + 1]);
  const circleOf = circles(graphOf([...way, []]));
  assert.equal(new Set(circleOf).size, nodes + 1);
  assert.equal(new Set(circles(graphOf([...way, [0]]))).size, 1);
});

test("GraphBuilder keeps an edge once, and nodes that lead nowhere", () => {
  const { starts, targets } = graphOf([[1, 1, 3, 1], [], [0], []]);
  assert.deepEqual([...starts], [0, 2, 2, 3, 3]);
  assert.deepEqual([...targets], [1, 3, 0]);
});
