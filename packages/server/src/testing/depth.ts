// A module whose recursive calls are counted, to be called directly.
import assert from "node:assert/strict";
import { planModule } from "../runtime/module/check.ts";
import { rewriteModule } from "../runtime/module/rewrite.ts";
import { readModule } from "../runtime/module/sections.ts";
import { wat } from "./modules.ts";

export interface Counted {
  /** What the export answers, or `refused` where a call was one too many. */
  call(name: string, ...args: readonly unknown[]): unknown;
  /** Whether anything is counted in it. */
  readonly counts: boolean;
}

/** In `text` there is no memory, no import and no `_start`. */
export async function counted(text: string, stackCalls: number): Promise<Counted> {
  return countedModule(await wat(`(module (func (export "_start")) ${text})`), stackCalls);
}

export function countedModule(bytes: Uint8Array, stackCalls: number): Counted {
  // As the host does before it: what the rewriting adds must not make good what was not.
  assert.ok(WebAssembly.validate(new Uint8Array(bytes)));
  const shape = readModule(bytes);
  const limits = { memoryBytes: 0, stackCalls };
  const rewritten = rewriteModule(shape, planModule(shape, limits).memory, limits);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(rewritten.bytes));
  return {
    counts: rewritten.stackTrap !== null,
    call: (name, ...args) => {
      const run = exports[name] as (...args: readonly unknown[]) => unknown;
      try {
        return run(...args);
      } catch (error) {
        if (innermost(error) === rewritten.stackTrap) return "refused";
        throw error;
      }
    },
  };
}

/** The function in which it was thrown. */
function innermost(error: unknown): number | undefined {
  const [, index] = /wasm-function\[(\d+)\]/.exec((error as Error).stack ?? "") ?? [];
  return index === undefined ? undefined : Number(index);
}
