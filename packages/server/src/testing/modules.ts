// Real modules for tests: compiled from text when asked for, or from source beforehand (fixtures/).
import { readFile } from "node:fs/promises";
import openWabt from "wabt";

const FEATURES = {
  bulk_memory: true,
  exceptions: true,
  multi_value: true,
  mutable_globals: true,
  reference_types: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  tail_call: true,
  threads: true,
  multi_memory: true,
  memory64: true,
  extended_const: true,
  relaxed_simd: true,
};

/** Compiles WebAssembly text. Not checked: V8 does that, and a test may want what is refused. */
export async function wat(text: string): Promise<Uint8Array> {
  const wabt = await openWabt();
  const module = wabt.parseWat("test.wat", text, FEATURES);
  try {
    return new Uint8Array(module.toBinary({ write_debug_names: true }).buffer);
  } finally {
    module.destroy();
  }
}

/** The compiled module `fixtures/<name>.wasm`; its source lies beside it. */
export async function fixture(name: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(new URL(`../../fixtures/${name}.wasm`, import.meta.url)));
}

const WASI = `
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "nexus" "emit" (func $emit (param i32 i32) (result i32)))
  (memory (export "memory") 2)
  ;; an iovec at 0, a count at 8
  (func $write (param $fd i32) (param $ptr i32) (param $len i32)
    (i32.store (i32.const 0) (local.get $ptr))
    (i32.store (i32.const 4) (local.get $len))
    (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))`;

/** A module with the usual imports, memory of two pages, `$write (fd, ptr, len)`, and what `body` adds. */
export function wasiModule(body: string): Promise<Uint8Array> {
  return wat(`(module ${WASI} ${body})`);
}

/** Copies stdin to stdout. */
export function echoModule(): Promise<Uint8Array> {
  return wasiModule(`
  (func (export "_start") (local $n i32)
    (loop $more
      (i32.store (i32.const 0) (i32.const 1024))
      (i32.store (i32.const 4) (i32.const 65536))
      (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $n (i32.load (i32.const 8)))
      (if (local.get $n) (then
        (call $write (i32.const 1) (i32.const 1024) (local.get $n))
        (br $more)))))`);
}

/** Writes the line "failing on purpose" to stderr and exits with code 3. */
export function failModule(): Promise<Uint8Array> {
  return wasiModule(`
  (data (i32.const 16) "failing on purpose\\n")
  (func (export "_start")
    (call $write (i32.const 2) (i32.const 16) (i32.const 19))
    (call $proc_exit (i32.const 3)))`);
}

/** Never ends. */
export function loopModule(): Promise<Uint8Array> {
  return wasiModule(`(func (export "_start") (loop $forever (br $forever)))`);
}

/** Grows its memory page by page until that is refused, then aborts as an allocator would. */
export function hogModule(): Promise<Uint8Array> {
  return wasiModule(`
  (func (export "_start")
    (loop $more
      (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    (unreachable))`);
}

/** Traps with `unreachable` in a function named `explode`. */
export function trapModule(): Promise<Uint8Array> {
  return wasiModule(`
  (func $explode (unreachable))
  (func (export "_start") (call $explode))`);
}

/** Emits what it reads from stdin; where that is nothing, `{"type":"com.example.emitted"}`. */
export function emitModule(): Promise<Uint8Array> {
  return wasiModule(`
  (data (i32.const 16) "{\\"type\\":\\"com.example.emitted\\"}")
  (func (export "_start") (local $n i32)
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 65536))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (local.set $n (i32.load (i32.const 8)))
    (call $proc_exit
      (if (result i32) (local.get $n)
        (then (call $emit (i32.const 1024) (local.get $n)))
        (else (call $emit (i32.const 16) (i32.const 30)))))) `);
}

/** Writes its environment to stdout: `NAME=value`, each with a zero byte behind. */
export function environModule(): Promise<Uint8Array> {
  return wasiModule(`
  (func (export "_start")
    (drop (call $environ_sizes_get (i32.const 16) (i32.const 20)))
    (drop (call $environ_get (i32.const 65536) (i32.const 1024)))
    (call $write (i32.const 1) (i32.const 1024) (i32.load (i32.const 20))))`);
}
