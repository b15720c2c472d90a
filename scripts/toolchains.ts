import { execFile } from "node:child_process";
import { access, copyFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { promisify } from "node:util";

export type Language = "assemblyscript" | "c" | "c-reactor" | "c-bare" | "rust";

export interface Build {
  readonly language: Language;
  /** Absolute: a file, or for Rust the folder with Cargo.toml. */
  readonly source: string;
  /** Absolute: the module to write. Its folder is there. */
  readonly target: string;
  /** Absolute: a folder of this build's own for what comes up on the way. */
  readonly scratch: string;
}

export type Toolchain =
  | {
      readonly state: "ready";
      /** Whether it is the version that the committed modules were built with: its output is theirs to the byte. */
      readonly pinned: boolean;
      readonly version: string;
    }
  | { readonly state: "missing"; readonly install: string };

const DEBIAN_CLANG = "clang lld wasi-libc libclang-rt-14-dev-wasm32";
const DEBIAN_RUST =
  "rustc cargo libstd-rust-dev-wasm32 librust-serde-json-dev librust-serde-derive-dev";

/** Debian's own, by full path: a Rust from elsewhere that comes first on the PATH may lack the target. */
export const RUSTC = "/usr/bin/rustc";
const CARGO = "/usr/bin/cargo";
const DEBIAN_CRATES = "/usr/share/cargo/registry";

/** What a build of Rust code with Debian's packages alone needs: no network, crates from /usr/share. */
export const DEBIAN_CARGO = {
  env: { RUSTC, CARGO },
  args: [
    "--offline",
    "--config",
    'source.crates-io.replace-with="debian"',
    "--config",
    `source.debian.directory="${DEBIAN_CRATES}"`,
  ],
} as const;

const run = promisify(execFile);

/** What this machine has for a language. */
export function toolchainFor(language: Language): Promise<Toolchain> {
  return RECIPES[language].toolchain();
}

/** Compiles one module. Rejects with what the compiler said. The same source gives the same bytes in any folder. */
export function compile(build: Build): Promise<void> {
  return RECIPES[build.language].compile(build);
}

const WASI_C = ["--target=wasm32-wasi", "-flto"] as const;
const BARE_C = ["--target=wasm32", "-nostdlib", "-Wl,--no-entry"] as const;

const RECIPES: Readonly<Record<Language, Recipe>> = {
  assemblyscript: { toolchain: npmToolchain, compile: compileAssemblyScript },
  c: { toolchain: clangToolchain, compile: (build) => clang(build, WASI_C) },
  "c-reactor": {
    toolchain: clangToolchain,
    compile: (build) => clang(build, [...WASI_C, "-mexec-model=reactor"]),
  },
  "c-bare": { toolchain: clangToolchain, compile: (build) => clang(build, BARE_C) },
  rust: { toolchain: rustToolchain, compile: compileRust },
};

interface Recipe {
  toolchain(): Promise<Toolchain>;
  compile(build: Build): Promise<void>;
}

function npmToolchain(): Promise<Toolchain> {
  const version = "the AssemblyScript of package-lock.json";
  return Promise.resolve({ state: "ready", pinned: true, version });
}

function clangToolchain(): Promise<Toolchain> {
  return probe("clang", "Debian clang version 14.0.6", DEBIAN_CLANG, async () => {
    const options = ["--target=wasm32-wasi", "-include", "stdio.h", "-x", "c"];
    await run("clang", [...options, "-E", "/dev/null"]);
    await run("wasm-ld", ["--version"]);
  });
}

function rustToolchain(): Promise<Toolchain> {
  return probe(RUSTC, "rustc 1.63.0", DEBIAN_RUST, async () => {
    const libdir = await run(RUSTC, ["--target", "wasm32-wasi", "--print", "target-libdir"]);
    const needed = [libdir.stdout.trim(), join(DEBIAN_CRATES, "serde_json-1.0.87"), CARGO];
    await Promise.all(needed.map((path) => access(path)));
  });
}

/** `complete` rejects where the compiler is there and something it needs is not. */
async function probe(
  compiler: string,
  pinned: string,
  packages: string,
  complete: () => Promise<void>,
): Promise<Toolchain> {
  try {
    const version = (await run(compiler, ["--version"])).stdout.split("\n")[0]!.trim();
    await complete();
    return { state: "ready", pinned: version.startsWith(pinned), version };
  } catch {
    return { state: "missing", install: `apt-get install ${packages}` };
  }
}

async function compileAssemblyScript({ source, target }: Build): Promise<void> {
  const require = createRequire(import.meta.url);
  const asc = join(dirname(require.resolve("assemblyscript/package.json")), "bin/asc.js");
  const shim = dirname(require.resolve("@assemblyscript/wasi-shim/package.json"));
  // The compiler writes source paths relative to its working folder into the module's messages.
  const cwd = dirname(dirname(source));
  const config = ["--config", relative(cwd, join(shim, "asconfig.json"))];
  const options = ["-O3", "--shrinkLevel", "1", "--outFile", target];
  await run(process.execPath, [asc, relative(cwd, source), ...config, ...options], { cwd });
}

/**
 * Where clang optimizes and links at once, it runs whatever wasm-opt the machine has, if any: other bytes
 * on another machine. So it links without a word of optimization, and the one of package-lock.json follows.
 */
async function clang(
  { source, target, scratch }: Build,
  options: readonly string[],
): Promise<void> {
  const cwd = dirname(source);
  const object = join(scratch, `${basename(source, ".c")}.o`);
  await mkdir(scratch, { recursive: true });
  const strict = ["-std=c17", "-Wall", "-Wextra", "-Werror", "-Wno-unused-command-line-argument"];
  await run("clang", [...options, ...strict, "-Oz", "-c", "-o", object, basename(source)], { cwd });
  await run("clang", [...options, "-Wl,--strip-all", "-o", target, object]);
  const require = createRequire(import.meta.url);
  const fromAssemblyScript = createRequire(require.resolve("assemblyscript/package.json"));
  const binaryen = dirname(fromAssemblyScript.resolve("binaryen/package.json"));
  const optimizer = join(binaryen, "bin/wasm-opt");
  await run(process.execPath, [optimizer, target, "-Oz", "-o", target]);
}

async function compileRust({ source, target, scratch }: Build): Promise<void> {
  const options = ["--locked", "--release", "--target", "wasm32-wasi", "--target-dir", scratch];
  const env = {
    ...process.env,
    ...DEBIAN_CARGO.env,
    CARGO_HOME: join(scratch, "home"),
    RUSTFLAGS: `--remap-path-prefix=${source}=.`,
  };
  await run(CARGO, ["build", ...options, ...DEBIAN_CARGO.args], { cwd: source, env });
  const name = basename(target);
  await copyFile(join(scratch, "wasm32-wasi/release", name), target);
}
