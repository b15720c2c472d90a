import type { RawFrame } from "../protocol.ts";

/** A panic's own way to its end takes some ten of them. */
const MOST_FRAMES = 32;

/** Has V8 keep as many frames as are told, and those of this thread's own around them. */
export function keepFrames(): void {
  Error.stackTraceLimit = MOST_FRAMES + 16;
}

/** How V8 says it, and how the specification or a reader would. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^unreachable$/, "unreachable code was reached (a panic or an abort)"],
  [/^Maximum call stack size exceeded$/, "the stack overflowed (recursion too deep)"],
  [/^memory access out of bounds$/, "memory access out of bounds"],
  [
    /^trying to suspend without/,
    "its start function made a host call that may have to wait, which a start function cannot (make it from the entry point, or from `_initialize`)",
  ],
  [
    /^null function or function signature/,
    "an indirect call went to no function, or to one of another type",
  ],
  [
    /^(?:WebAssembly\.Instance\(\): )?data segment \d+ is out of bounds/,
    "a data segment does not fit into the memory",
  ],
];

/** Why the guest stopped, for its author: V8's words cleaned. */
export function trapReason(error: unknown): string {
  if (!(error instanceof Error)) return "an exception was thrown and not caught";
  if (error instanceof WebAssembly.Exception) return "an exception was thrown and not caught";
  const message = error.message.replace(/^WebAssembly\.Instance\(\): /, "");
  return REASONS.find(([pattern]) => pattern.test(error.message))?.[1] ?? message;
}

// `at wasm://wasm/0123abcd:wasm-function[12]:0x3f`; `at name (wasm://…)` where V8 knows a name.
const FRAME = /^\s+at (?:.+? \()?wasm:\/\/[^\n]*?wasm-function\[(\d+)\]:0x([0-9a-f]+)\)?$/gm;

/** Where the guest was when it stopped, the innermost first. */
export function trapFrames(error: unknown): RawFrame[] {
  if (!(error instanceof Error) || typeof error.stack !== "string") return [];
  return error.stack
    .matchAll(FRAME)
    .take(MOST_FRAMES)
    .map(([, index, offset]) => ({ index: Number(index), offset: Number.parseInt(offset!, 16) }))
    .toArray();
}
