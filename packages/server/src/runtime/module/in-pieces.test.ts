import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { wat } from "../../testing/modules.ts";
import { PAGE_BYTES } from "../journal.ts";
import { MEMORY_IMPORT } from "../protocol.ts";
import { planModule } from "./check.ts";
import { rewriteModule } from "./rewrite.ts";
import { readModule } from "./sections.ts";

const PAGES = 20;
const BYTES = PAGES * PAGE_BYTES;
const LIMITS = { memoryBytes: BYTES };
const PIECE = 2 ** 18;

type Operation = (...operands: (number | bigint)[]) => void;

interface Guest {
  readonly fill: Operation;
  readonly copy: Operation;
  readonly bytes: Buffer;
}

const text = (type: "i32" | "i64") => `(module
  (memory (export "memory") ${type} ${PAGES} ${PAGES})
  (func (export "fill") (param ${type} i32 ${type})
    (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param ${type} ${type} ${type})
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "_start")))`;

/** The module as it came, and as it is run. */
async function both(type: "i32" | "i64"): Promise<readonly [Guest, Guest]> {
  const bytes = new Uint8Array(await wat(text(type)));
  const shape = readModule(bytes);
  const rewritten = rewriteModule(shape, planModule(shape, LIMITS).memory, LIMITS);
  const memory =
    type === "i32"
      ? new WebAssembly.Memory({ initial: PAGES, maximum: PAGES })
      : new WebAssembly.Memory({ address: "i64", initial: BigInt(PAGES), maximum: BigInt(PAGES) });
  return [guest(bytes), guest(rewritten.bytes, memory)];
}

function guest(bytes: Uint8Array<ArrayBuffer>, memory?: WebAssembly.Memory): Guest {
  const imports: WebAssembly.Imports =
    memory === undefined ? {} : { [MEMORY_IMPORT.module]: { [MEMORY_IMPORT.name]: memory } };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
  const { buffer } = memory ?? (exports["memory"] as WebAssembly.Memory);
  const view = Buffer.from(buffer);
  // No two pieces alike, so that one in the wrong place is seen.
  for (let at = 0; at < BYTES; at += 4) view.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at);
  return { fill: exports["fill"] as Operation, copy: exports["copy"] as Operation, bytes: view };
}

/** How it ends: nothing, or why it trapped. */
function endOf(operation: Operation, operands: readonly (number | bigint)[]): string {
  try {
    operation(...operands);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

const near = (value: number) => fc.integer({ min: value - 3, max: value + 3 });
const size = fc.oneof(
  fc.integer({ min: 0, max: BYTES }),
  fc.constantFrom(0, PIECE, 2 * PIECE, 3 * PIECE, 4 * PIECE, BYTES).chain(near),
  fc.constantFrom(-1, 2 ** 31 - 1, -(2 ** 31)),
);

for (const type of ["i32", "i64"] as const) {
  const operand = (value: number) => (type === "i32" ? value : BigInt(value));

  test(`rewriteModule() leaves large fills and copies of an ${type} memory what they do, and where they trap`, async () => {
    const [reference, run] = await both(type);
    const steps = fc.record({ fills: fc.boolean(), to: size, second: size, length: size });
    fc.assert(
      fc.property(fc.array(steps, { minLength: 1, maxLength: 4 }), (sequence) => {
        for (const { fills, to, second, length } of sequence) {
          const name = fills ? "fill" : "copy";
          const operands = [operand(to), fills ? second : operand(second), operand(length)];
          assert.equal(endOf(run[name], operands), endOf(reference[name], operands));
          assert.equal(Buffer.compare(run.bytes, reference.bytes), 0);
        }
      }),
      { numRuns: 300 },
    );
  });

  test(`rewriteModule() leaves copies that overlap in an ${type} memory right, in both directions`, async () => {
    const [reference, run] = await both(type);
    for (const distance of [1, 100, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE]) {
      for (const [to, from] of [
        [0, distance],
        [distance, 0],
      ] as const) {
        const operands = [to, from, BYTES - distance].map(operand);
        reference.copy(...operands);
        run.copy(...operands);
        assert.equal(Buffer.compare(run.bytes, reference.bytes), 0, `${from} to ${to}`);
      }
    }
  });
}
