import type { Language } from "./toolchains.ts";

/** A module that an example serves: how it is made, and where it is committed. */
export interface ExampleModule {
  /** Below examples/. */
  readonly folder: string;
  /** Written to build/<name>.wasm in the example's folder. */
  readonly name: string;
  readonly language: Language;
  /** What the compiler is given, below `folder`: a file, or for Rust the folder with Cargo.toml. */
  readonly source: string;
}

export const EXAMPLE_MODULES: readonly ExampleModule[] = [
  { folder: "hello", name: "hello", language: "assemblyscript", source: "assembly/index.ts" },
  {
    folder: "order-pipeline",
    name: "validate-order",
    language: "assemblyscript",
    source: "validate-order/assembly/index.ts",
  },
  { folder: "order-pipeline", name: "charge-order", language: "rust", source: "charge-order" },
  { folder: "webhook", name: "webhook", language: "c", source: "src/main.c" },
  { folder: "rust-fraud-score", name: "fraud-score", language: "rust", source: "." },
  { folder: "c-image-info", name: "image-info", language: "c", source: "src/main.c" },
  ...["v1", "v2", "v2-mended"].map((version) => ({
    folder: "replay-lab",
    name: `quote-${version}`,
    language: "assemblyscript" as const,
    source: `assembly/${version}.ts`,
  })),
  { folder: "shapes", name: "command", language: "c", source: "src/command.c" },
  { folder: "shapes", name: "reactor", language: "c-reactor", source: "src/reactor.c" },
  { folder: "shapes", name: "bare", language: "c-bare", source: "src/bare.c" },
];

/** A file that `nexus new` puts into a project, and the examples that have a copy of it. */
export interface SharedFile {
  /** Below packages/cli/templates/. */
  readonly template: string;
  /** Below examples/. */
  readonly copies: readonly string[];
}

export const SHARED_FILES: readonly SharedFile[] = [
  ...["nexus.ts", "json.ts"].map((file) => ({
    template: `assemblyscript/assembly/${file}`,
    copies: [
      `hello/assembly/${file}`,
      `order-pipeline/validate-order/assembly/${file}`,
      `replay-lab/assembly/${file}`,
    ],
  })),
  {
    template: "c/src/nexus.h",
    copies: ["webhook/src/nexus.h", "c-image-info/src/nexus.h"],
  },
];
