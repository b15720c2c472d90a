const FRAMES_TOLD = 8;

/** How V8 says it, and how the specification or a reader would. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^unreachable$/, "unreachable code was reached (a panic or an abort)"],
  [/^Maximum call stack size exceeded$/, "the stack overflowed (recursion too deep)"],
  [/^memory access out of bounds$/, "memory access out of bounds"],
  [
    /^null function or function signature/,
    "an indirect call went to no function, or to one of another type",
  ],
  [
    /^(?:WebAssembly\.Instance\(\): )?data segment \d+ is out of bounds/,
    "a data segment does not fit into the memory",
  ],
];

/** Why the guest stopped, for its author: V8's words cleaned, and the guest's functions on the way. */
export function trapReason(error: unknown): string {
  if (!(error instanceof Error)) return "an exception was thrown and not caught";
  if (error instanceof WebAssembly.Exception) return "an exception was thrown and not caught";
  const message = error.message.replace(/^WebAssembly\.Instance\(\): /, "");
  const reason = REASONS.find(([pattern]) => pattern.test(error.message))?.[1] ?? message;
  const frames = wasmFrames(error.stack ?? "");
  return frames.length === 0 ? reason : `${reason} in ${frames.join(" < ")}`;
}

// `at name (wasm://wasm/module-0123abcd:wasm-function[12]:0x3f)`; unnamed: `at wasm://…`.
const FRAME = /^\s+at (?:(.+?) \()?wasm:\/\/[^\n]*?wasm-function\[(\d+)\]:0x[0-9a-f]+\)?$/gm;

function wasmFrames(stack: string): string[] {
  const names: string[] = [];
  for (const [, name, index] of stack.matchAll(FRAME)) {
    if (names.length === FRAMES_TOLD) break;
    // V8 puts the module's own name in front: `module.wasm.function`.
    const told = name?.replace(/^[\w-]+\.wasm\./, "") ?? `function ${index}`;
    if (told !== names.at(-1)) names.push(told);
  }
  return names;
}
