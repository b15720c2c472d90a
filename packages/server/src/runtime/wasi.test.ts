import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { TEST_LIMITS } from "../testing/limits.ts";
import { fixture } from "../testing/modules.ts";
import { GuestContext } from "./guest/context.ts";
import { BLOCKING } from "./guest/blocking.ts";
import { preview1 } from "./guest/wasi/preview1.ts";
import { threadRuntime } from "./host/thread-runtime.ts";
import { IMPORTS } from "./module/wasi-signatures.ts";
import type { InvokeRequest, Outcome } from "./runtime.ts";

const LIMITS = {
  ...TEST_LIMITS,
  timeoutMs: 5_000,
  memoryBytes: 16 * 1024 * 1024,
  outputBytes: 1024,
  logBytes: 4096,
  logLines: 50,
  emits: 3,
};

async function run(bytes: Uint8Array, request: Partial<InvokeRequest>): Promise<Outcome> {
  const runtime = threadRuntime({ workers: 1 });
  try {
    await runtime.load({ version: "v", bytes, limits: LIMITS });
    return await runtime.invoke({
      version: "v",
      function: "wasi",
      stdin: new Uint8Array(0),
      env: {},
      ...request,
    });
  } finally {
    await runtime.close();
  }
}

test("preview1() gives every function that load() lets a module import", () => {
  const given = Object.keys(preview1(new GuestContext(BLOCKING))).sort();
  assert.deepEqual(given, [...IMPORTS.get("wasi_snapshot_preview1")!.keys()].sort());
});

test("preview1() answers a C program as the specification says, bad pointers included", async () => {
  const outcome = await run(await fixture("wasi"), {
    stdin: new TextEncoder().encode("0123456789"),
    env: { GREETING: "hello" },
    args: ["one", "zwölf"],
  });
  assert.deepEqual(
    outcome.logs.map(({ text }) => text),
    [],
  );
  assert.equal(outcome.error, null);
  assert.equal(new TextDecoder().decode(outcome.output), "written");
});

const ASC = "node_modules/assemblyscript/bin/asc.js";

const ASSEMBLY = `
const room = new Uint8Array(64);
  process.stdin.read(room.buffer);
  process.stdout.write("read " + String.UTF8.decode(room.buffer.slice(0, 5)));
  process.stderr.write("argv " + process.argv[0] + "\\n");
  process.exit(process.env.has("CODE") ? 4 : 0);`;

test("invoke() runs what AssemblyScript makes with its WASI shim", async () => {
  const dir = await mkdtemp(join(tmpdir(), "nexus-asc-"));
  await writeFile(join(dir, "main.ts"), ASSEMBLY);
  // The compiler as a program: its package also declares types of its own for all of the platform's globals.
  await promisify(execFile)(process.execPath, [
    ASC,
    join(dir, "main.ts"),
    "--config",
    "node_modules/@assemblyscript/wasi-shim/asconfig.json",
    "--outFile",
    join(dir, "main.wasm"),
    "--exportStart",
    "_start",
  ]);
  const binary = await readFile(join(dir, "main.wasm"));
  await rm(dir, { recursive: true });
  const outcome = await run(binary, {
    stdin: new TextEncoder().encode("event"),
    env: { CODE: "1" },
  });
  assert.equal(new TextDecoder().decode(outcome.output), "read event");
  assert.equal(outcome.logs[0]?.text, "argv wasi");
  assert.equal(outcome.exitCode, 4);
});
