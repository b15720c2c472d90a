// Builds the function into build/{{name}}.wasm, with whatever cargo is there. More arguments go to cargo.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";

const { RUSTC: rustc = "rustc", CARGO: cargo = "cargo" } = process.env;

/** The target's name changed with Rust 1.78: an older one knows wasm32-wasi only. */
function target() {
  const known = execFileSync(rustc, ["--print", "target-list"], { encoding: "utf8" }).split("\n");
  return known.includes("wasm32-wasip1") ? "wasm32-wasip1" : "wasm32-wasi";
}

try {
  const name = target();
  const args = ["build", "--release", "--target", name, "--target-dir", "target"];
  execFileSync(cargo, [...args, ...process.argv.slice(2)], { stdio: "inherit" });
  mkdirSync("build", { recursive: true });
  copyFileSync(`target/${name}/release/function.wasm`, "build/{{name}}.wasm");
} catch (error) {
  const hint =
    error.code === "ENOENT"
      ? `${error.path} is not installed (see README.md)`
      : "if the target is missing: rustup target add wasm32-wasip1";
  console.error(`Cannot build build/{{name}}.wasm: ${hint}`);
  process.exitCode = 1;
}
