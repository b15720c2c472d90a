// The part of the WebAssembly JavaScript interface used here; TypeScript has it in its library for
// browsers only, which would bring all of the DOM into the server.
declare namespace WebAssembly {
  type ImportValue = ((...args: never[]) => unknown) | Memory | Global | Suspending;
  type Imports = Record<string, Record<string, ImportValue>>;
  type Exports = Record<string, unknown>;

  interface Module {
    readonly [Symbol.toStringTag]: "WebAssembly.Module";
  }

  const Module: new (bytes: Uint8Array<ArrayBuffer>) => Module;

  class Instance {
    readonly exports: Exports;
    constructor(module: Module, imports?: Imports);
  }

  type MemoryDescriptor =
    | { readonly initial: number; readonly maximum?: number }
    | { readonly address: "i64"; readonly initial: bigint; readonly maximum: bigint };

  class Memory {
    readonly buffer: ArrayBuffer;
    constructor(descriptor: MemoryDescriptor);
    grow(pages: number): number;
  }

  class Global {
    private constructor();
    value: unknown;
  }

  /** JavaScript Promise Integration: an import whose promise suspends the guest until it resolves. */
  interface Suspending {
    readonly [Symbol.toStringTag]: "Suspending";
  }

  const Suspending: new (run: (...args: never[]) => unknown) => Suspending;

  /** An export that may be suspended; what it gives, and what it throws, comes by the promise. */
  function promising<A extends unknown[], R>(run: (...args: A) => R): (...args: A) => Promise<R>;

  class Exception extends Error {
    private constructor();
  }

  class CompileError extends Error {}

  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
  function validate(bytes: Uint8Array): boolean;
}
