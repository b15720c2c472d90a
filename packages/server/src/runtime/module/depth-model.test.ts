// Random programs that call, jump, throw and catch, against a model of what counts.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { wat } from "../../testing/modules.ts";
import { countedModule } from "../../testing/depth.ts";

const FUNCTIONS = 5;
/** Of the functions, those that are in the table. */
const IN_TABLE = 2;

type Step =
  | { readonly kind: "call" | "indirect" | "jump" | "jump indirect"; readonly to: number }
  | { readonly kind: "throw" | "return" }
  | { readonly kind: "catch"; readonly steps: readonly Step[] };
type Program = readonly (readonly Step[])[];

const to = fc.nat({ max: FUNCTIONS - 1 });
const plain: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("call" as const), to }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("indirect" as const, "jump indirect" as const),
      to: fc.nat({ max: IN_TABLE - 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("jump" as const), to }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("throw" as const, "return" as const) }),
  },
);
const catching: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("catch" as const),
  steps: fc.array(
    plain.filter(({ kind }) => !kind.startsWith("jump")),
    { maxLength: 2 },
  ),
});
const step = fc.oneof({ weight: 4, arbitrary: plain }, { weight: 1, arbitrary: catching });
const programs: fc.Arbitrary<Program> = fc.array(fc.array(step, { maxLength: 3 }), {
  minLength: FUNCTIONS,
  maxLength: FUNCTIONS,
});

/** Every function takes how much deeper the program may go; at 0 it gives up. All that happens is hashed. */
function text(program: Program, handlers: "old" | "new"): string {
  const less = "(i32.sub (local.get $n) (i32.const 1))";
  const code = (step: Step): string => {
    switch (step.kind) {
      case "call":
        return `(call $f${step.to} ${less})`;
      case "indirect":
        return `(call_indirect (type $t) ${less} (i32.const ${step.to}))`;
      case "jump":
        return `(return_call $f${step.to} ${less})`;
      case "jump indirect":
        return `(return_call_indirect (type $t) ${less} (i32.const ${step.to}))`;
      case "throw":
        return `(throw $e)`;
      case "return":
        return `(return)`;
      case "catch": {
        const inside = step.steps.map(code).join(" ");
        return handlers === "old"
          ? `(try (do ${inside}) (catch_all)) ${hash(77)}`
          : `(block $h (try_table (catch_all $h) ${inside})) ${hash(77)}`;
      }
    }
  };
  const hash = (value: number) =>
    `(global.set $hash (i32.add (i32.mul (global.get $hash) (i32.const 31)) (i32.const ${value})))`;
  const functions = program.map(
    (steps, index) => `(func $f${index} (type $t) (param $n i32)
      ${hash(index)} (if (i32.eqz (local.get $n)) (then (return)))
      ${steps.map(code).join("\n")} ${hash(100 + index)})`,
  );
  const run =
    handlers === "old"
      ? `(try (do (call $f0 (local.get 0))) (catch_all ${hash(99)}))`
      : `(block $h (try_table (catch_all $h) (call $f0 (local.get 0)) (return (global.get $hash)))) ${hash(99)}`;
  return `(module (type $t (func (param i32))) (tag $e) (global $hash (mut i32) (i32.const 1))
    (table funcref (elem ${Array.from({ length: IN_TABLE }, (_, index) => `$f${index}`).join(" ")}))
    ${functions.join("\n")}
    (func (export "run") (param i32) (result i32) ${run} (global.get $hash))
    (func (export "_start")))`;
}

/** Functions that each one may come to run, by any way. */
function reach(program: Program): readonly ReadonlySet<number>[] {
  const table = Array.from({ length: IN_TABLE }, (_, index) => index);
  const callees = (steps: readonly Step[]): number[] =>
    steps.flatMap((step) => {
      if (step.kind === "catch") return callees(step.steps);
      if (step.kind === "indirect" || step.kind === "jump indirect") return table;
      return "to" in step ? [step.to] : [];
    });
  return program.map((steps) => {
    const seen = new Set(callees(steps));
    for (const each of seen) for (const next of callees(program[each]!)) seen.add(next);
    return seen;
  });
}

class Thrown extends Error {}
const RETURNED = Symbol("returned");

/** The most recursive calls that are under way at a time. */
function deepest(program: Program, fuel: number): number {
  const reaches = reach(program);
  const table = Array.from({ length: IN_TABLE }, (_, index) => index);
  let most = 0;
  const enter = (index: number, left: number, depth: number): void => {
    most = Math.max(most, depth);
    if (left > 0) perform(program[index]!, { index, left, depth });
  };
  type Frame = { readonly index: number; readonly left: number; readonly depth: number };
  const perform = (steps: readonly Step[], frame: Frame): symbol | undefined => {
    const { index, left, depth } = frame;
    for (const step of steps) {
      switch (step.kind) {
        case "call":
        case "indirect": {
          const may = step.kind === "call" ? [step.to] : table;
          const counts = may.some((each) => reaches[each]!.has(index));
          enter(step.to, left - 1, counts ? depth + 1 : depth);
          break;
        }
        case "jump":
        case "jump indirect":
          enter(step.to, left - 1, depth);
          return RETURNED;
        case "throw":
          throw new Thrown();
        case "return":
          return RETURNED;
        case "catch":
          try {
            if (perform(step.steps, frame) === RETURNED) return RETURNED;
          } catch (error) {
            if (!(error instanceof Thrown)) throw error;
          }
      }
    }
    return undefined;
  };
  try {
    enter(0, fuel, 0);
  } catch (error) {
    if (!(error instanceof Thrown)) throw error;
  }
  return most;
}

const FUEL = 6;

test("rewriteModule() lets a random program be as deep as it is, and refuses it one call less", async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      programs,
      fc.constantFrom("old" as const, "new" as const),
      async (program, handlers) => {
        const bytes = await wat(text(program, handlers));
        const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)));
        const original = (exports["run"] as (fuel: number) => number)(FUEL);
        const depth = deepest(program, FUEL);
        assert.equal(countedModule(bytes, Math.max(depth, 1)).call("run", FUEL), original);
        if (depth < 2) return;
        refused += 1;
        assert.equal(countedModule(bytes, depth - 1).call("run", FUEL), "refused");
      },
    ),
    { numRuns: 400 },
  );
  assert.ok(refused > 50, `${refused} were refused`);
});
