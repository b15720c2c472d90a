// What is told of a trap in a real module that carries what its compiler knows of the source.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import type { TrapFrame } from "../../core/invocation.ts";
import { TEST_LIMITS } from "../../testing/limits.ts";
import { fixture, wasiModule } from "../../testing/modules.ts";
import { threadRuntime } from "../host/thread-runtime.ts";
import type { Outcome } from "../runtime.ts";

const LIMITS = {
  ...TEST_LIMITS,
  timeoutMs: 5_000,
  memoryBytes: 16 * 1024 * 1024,
  outputBytes: 1_024,
  logBytes: 1_024,
  logLines: 10,
  emits: 2,
};

interface Trapped {
  readonly outcome: Outcome;
  readonly message: string;
  readonly frames: readonly TrapFrame[];
  /** `function file:line:column`, as many as have a place. */
  readonly places: readonly string[];
}

async function trapOf(bytes: Uint8Array, input = "", sourceMap?: Uint8Array): Promise<Trapped> {
  const runtime = threadRuntime({ workers: 1 });
  try {
    const map = sourceMap === undefined ? {} : { sourceMap };
    await runtime.load({ version: "f", bytes, limits: LIMITS, ...map });
    const stdin = new TextEncoder().encode(input);
    const outcome = await runtime.invoke({ version: "f", function: "f", stdin, env: {} });
    const { frames } = outcome.error!.trap!;
    const places = frames
      .filter(({ file }) => file !== undefined)
      .map((frame) => `${frame.function} ${frame.file!}:${frame.line!}:${frame.column!}`);
    return { outcome, message: outcome.error!.message, frames, places };
  } finally {
    await runtime.close(AbortSignal.abort());
  }
}

/** Where in a fixture's source a text stands. */
async function placeOf(file: string, text: string): Promise<string> {
  const source = await readFile(
    new URL(`../../../fixtures/traps/${file}`, import.meta.url),
    "utf8",
  );
  const before = source.slice(0, source.indexOf(text)).split("\n");
  assert.ok(source.includes(text));
  return `${file}:${before.length}:${before.at(-1)!.length + 1}`;
}

test("invoke() names the line of a Rust panic, and the author's functions alone in its message", async () => {
  const { message, frames, places, outcome } = await trapOf(await fixture("traps/panic"), "10 1 2");
  const panics = await placeOf("panic.rs", "panic!(");
  const calls = await placeOf("panic.rs", "order::validate(parts[0]");
  const checks = await placeOf("panic.rs", "check(line.trim())");
  assert.equal(
    message,
    `Cannot run function "f": it trapped: unreachable code was reached (a panic or an abort) in panic::order::validate (${panics}) < panic::check (${calls}) < panic::main (${checks})`,
  );
  assert.match(outcome.logs[0]!.text, /panicked at 'the parts are 3 and not 10', panic\.rs:6/);
  // The frames tell the whole way, the standard library's too.
  assert.equal(frames[0]!.function, "__rust_start_panic");
  assert.ok(places.includes(`panic::order::validate ${panics}`));
  assert.ok(places.some((place) => place.startsWith("core::panicking::panic_fmt /")));
  assert.equal(frames.at(-1)!.function, "_start.command_export");
});

for (const version of [2, 3, 4, 5]) {
  test(`invoke() names the line of a trap in C from DWARF ${version}`, async () => {
    const { places } = await trapOf(await fixture(`traps/divide-${version}`), "5 0");
    const divides = (await placeOf("divide.c", "/ parts")).replace(/\d+$/, "16");
    const calls = await placeOf("divide.c", "divide(order.total");
    assert.deepEqual(places, [`divide ${divides}`, `handle_event ${calls}`]);
  });
}

const sourceMap = () =>
  readFile(new URL("../../../fixtures/traps/order.wasm.map", import.meta.url));

test("invoke() names the line of a trap in AssemblyScript from its source map, code before it having moved", async () => {
  const { message, places } = await trapOf(
    await fixture("traps/order"),
    "",
    new Uint8Array(await sourceMap()),
  );
  const [divides, shares, checks] = await Promise.all([
    placeOf("assembly/order.ts", "total / parts"),
    placeOf("assembly/order.ts", "share(100)"),
    placeOf("assembly/order.ts", "check();"),
  ]);
  assert.deepEqual(places, [
    `assembly/order/share ${divides}`,
    `assembly/order/check ${shares}`,
    `assembly/order/handle_event ${checks}`,
  ]);
  assert.match(message, /divide by zero in assembly\/order\/share \(assembly\/order\.ts:5:10\) </);
});

test("invoke() tells functions and offsets where a module has no lines, and a source map of something else", async () => {
  const module = await fixture("traps/order");
  for (const map of [undefined, "{}", "null", "[", `{"mappings":"!","sources":[]}`]) {
    const bytes = map === undefined ? undefined : new TextEncoder().encode(map);
    const { frames, places } = await trapOf(module, "", bytes);
    assert.deepEqual(places, []);
    assert.equal(frames.length, 3);
    assert.deepEqual(frames[0], { function: "assembly/order/share", index: 0, offset: 90 });
    assert.equal(module[90], 0x6d, "the offset is that of the division in the user's module");
  }
});

test("invoke() tells by what it exports a function without a name, and one without both by its number", async () => {
  const { message, frames } = await trapOf(
    await wasiModule(`(func (unreachable)) (func (export "_start") (call 7))`),
  );
  assert.deepEqual(
    frames.map(({ function: name }) => name),
    ["function 7", "_start"],
  );
  assert.match(message, /in function 7$/);
});

test("invoke() tells a function once that called itself over and over", async () => {
  const { message, frames } = await trapOf(
    await wasiModule(`(func $deep (export "_start") (call $deep))`),
  );
  assert.match(message, /the stack overflowed \(recursion too deep\) in deep$/);
  assert.equal(frames.length, 32);
});
