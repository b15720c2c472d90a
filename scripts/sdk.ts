import { join } from "node:path";
import type { Language } from "./toolchains.ts";

export const SDK = join(import.meta.dirname, "../sdk");

/** The example of a guest library; both paths below sdk/. */
export interface SdkExample {
  readonly language: Language;
  readonly source: string;
  readonly module: string;
}

export const SDK_EXAMPLES: readonly SdkExample[] = [
  { language: "c", source: "c/example/tally.c", module: "c/build/tally.wasm" },
  { language: "rust", source: "rust", module: "rust/build/tally.wasm" },
  {
    language: "assemblyscript",
    source: "assemblyscript/example/tally.ts",
    module: "assemblyscript/build/tally.wasm",
  },
];
