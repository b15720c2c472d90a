// A Rust program of two megabytes, made by a program: many functions, each of some real work and unlike
// every other, all reachable through a table, as in a program with many dependencies. The same on
// every machine; compiled where there is a compiler, and kept for the next time.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../processes.ts";
import { compileRust, rustVersion } from "./rust.ts";

export interface LargeModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly what: string;
}

const FUNCTIONS = 1500;
/** How many of them one run calls. */
const CALLED = 64;
const FALLBACK = "examples/rust-fraud-score/build/fraud-score.wasm";

/** `mayBuild`: compiling it takes half a minute; without, it is taken where it was built before. */
export async function largeModule(mayBuild: boolean): Promise<LargeModule> {
  const version = await rustVersion();
  if (version === undefined) {
    return instead("no rustc for wasm32-wasi (Debian: rustc libstd-rust-dev-wasm32)");
  }
  const text = source();
  const name = createHash("sha256").update(version).update(text).digest("hex").slice(0, 16);
  const folder = join(ROOT, "bench/results/modules");
  const target = join(folder, `large-${name}.wasm`);
  if (!existsSync(target)) {
    if (!mayBuild)
      return instead("the large one is not built yet; a run without --quick builds it");
    await build(folder, text, target);
  }
  return { bytes: read(target), what: "a large Rust program" };
}

function instead(why: string): LargeModule {
  return { bytes: read(join(ROOT, FALLBACK)), what: `the largest example, for want of it: ${why}` };
}

async function build(folder: string, text: string, target: string): Promise<void> {
  console.error("compiling a large Rust module, once …");
  mkdirSync(folder, { recursive: true });
  const main = join(folder, "large.rs");
  writeFileSync(main, text);
  // Into place when it is whole: nobody shall find half of it.
  await compileRust(main, `${target}.part`, ["-C", "codegen-units=16"]);
  renameSync(`${target}.part`, target);
}

function source(): string {
  const functions = Array.from({ length: FUNCTIONS }, (_, index) => work(index));
  const names = functions.map((_, index) => `work${index}`);
  return `use std::collections::BTreeMap;
use std::io::{self, Read};

type Work = fn(&[u8], &mut BTreeMap<String, u64>) -> Result<u64, String>;

${functions.join("\n")}
static WORK: [Work; ${FUNCTIONS}] = [${names.join(", ")}];

fn main() -> io::Result<()> {
    let mut event = Vec::new();
    io::stdin().read_to_end(&mut event)?;
    let mut seen = BTreeMap::new();
    let mut sum = 0u64;
    for step in 0..${CALLED} {
        let index = (event.len() * 31 + step * ${Math.floor(FUNCTIONS / CALLED)}) % WORK.len();
        match WORK[index](&event, &mut seen) {
            Ok(value) => sum = sum.wrapping_add(value),
            Err(text) => sum = sum.wrapping_add(text.len() as u64),
        }
    }
    print!("{{\\"bytes\\":{},\\"seen\\":{},\\"sum\\":{}}}", event.len(), seen.len(), sum);
    Ok(())
}
`;
}

/** Unlike the others in its constants and in what it does with them, so that the compiler merges none. */
function work(index: number): string {
  const a = (index * 2_654_435_761) % 65_521;
  const shift = (index % 29) + 1;
  const operators = ["wrapping_mul", "wrapping_add", "wrapping_sub", "rotate_left"] as const;
  const operate = operators[index % operators.length]!;
  const operand = operate === "rotate_left" ? `${shift}` : `${a}u64`;
  return `fn work${index}(event: &[u8], seen: &mut BTreeMap<String, u64>) -> Result<u64, String> {
    let mut state = ${a}u64;
    for (at, byte) in event.iter().take(${(index % 24) + 8}).enumerate() {
        state = (state ^ u64::from(*byte)).${operate}(${operand}) ^ (at as u64) << ${shift};
    }
    if state % ${(index % 89) + 11} == 0 {
        return Err(format!("work ${index} stopped at {state:x}, {} of {}", event.len(), ${a}));
    }
    let name = format!("work-${index}-{}", state % ${(index % 17) + 3});
    *seen.entry(name).or_insert(${a}) += state >> ${shift};
    Ok(state.${operate}(${operand}))
}
`;
}

function read(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(path));
}
