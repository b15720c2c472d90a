// Rust without Cargo: one file with the standard library alone.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { dirname } from "node:path";
import { RUSTC } from "../../scripts/toolchains.ts";

const run = promisify(execFile);
const TARGET = ["--target", "wasm32-wasi"] as const;

/** Rejects with what the compiler said. */
export async function compileRust(
  source: string,
  target: string,
  options: readonly string[] = ["-C", "lto=fat", "-C", "codegen-units=1"],
): Promise<void> {
  const common = ["--edition", "2021", "-C", "opt-level=3", "-C", "strip=symbols"];
  const remap = `--remap-path-prefix=${dirname(source)}=.`;
  await run(RUSTC, [...TARGET, ...common, ...options, remap, "-o", target, source]);
}

/** What this machine's compiler calls itself; undefined where it cannot compile for WASI. */
export async function rustVersion(): Promise<string | undefined> {
  try {
    await run(RUSTC, [...TARGET, "--print", "target-libdir"]);
    return (await run(RUSTC, ["--version"])).stdout.trim();
  } catch {
    return undefined;
  }
}
