import type { Language } from "./toolchains.ts";

/** A program that asks its host for a part of WASI preview 1: packages/server/fixtures/conformance/. */
export interface ConformanceModule {
  /** Written to build/<name>.wasm; the language's name is part of it. */
  readonly name: string;
  readonly language: Language;
  /** What the compiler is given: a file, or for Rust the folder with Cargo.toml. */
  readonly source: string;
}

const C_PROGRAMS = [
  "contents",
  "descriptors",
  "exits",
  "limits",
  "links",
  "listing",
  "paths",
  "posix",
  "process",
  "readonly",
] as const;

export const CONFORMANCE_MODULES: readonly ConformanceModule[] = [
  ...C_PROGRAMS.map((name) => ({
    name: `c-${name}`,
    language: "c" as const,
    source: `c/${name}.c`,
  })),
  { name: "rust-files", language: "rust", source: "rust" },
  { name: "rust-process", language: "rust", source: "rust" },
  {
    name: "assemblyscript-bindings",
    language: "assemblyscript",
    source: "assemblyscript/bindings.ts",
  },
  {
    name: "assemblyscript-process",
    language: "assemblyscript",
    source: "assemblyscript/process.ts",
  },
];
