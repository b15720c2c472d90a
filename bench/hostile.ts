// Functions that mean no good, each in its own way, as text and compiled.
import openWabt from "wabt";

export interface Hostile {
  /** What it is, as a table says it: beside … */
  readonly name: string;
  readonly module: Uint8Array;
}

const ENDLESS = `(module (memory (export "memory") 1)
  (func (export "_start") (loop $forever (br $forever))))`;

// Takes all the memory it can get, and writes to every page of it, over and over.
const HOG = `(module (memory (export "memory") 1)
  (func (export "_start") (local $at i32)
    (loop $more (br_if $more (i32.ne (memory.grow (i32.const 64)) (i32.const -1))))
    (loop $forever
      (i32.store (local.get $at) (i32.const -1))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (if (i32.ge_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))
        (then (local.set $at (i32.const 0))))
      (br $forever))))`;

// One instruction that goes on for milliseconds, over and over. V8's baseline code looks whether it is
// to end by the code it has run through, not by the clock: after some 10,000 of these.
const FILL = `(module (memory (export "memory") 1)
  (func (export "_start")
    (loop $more (br_if $more (i32.ne (memory.grow (i32.const 64)) (i32.const -1))))
    (loop $forever
      (memory.fill (i32.const 0) (i32.const 0xa5) (i32.mul (memory.size) (i32.const 65536)))
      (br $forever))))`;

// Writes 32 KiB of short lines to standard error, over and over.
const FLOOD = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 16) "help! \\n")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 32768))
    (memory.copy (i32.const 24) (i32.const 16) (i32.const 8))
    (memory.copy (i32.const 32) (i32.const 16) (i32.const 16))
    (memory.copy (i32.const 48) (i32.const 16) (i32.const 32))
    (loop $forever
      (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $forever))))`;

const RECURSION = `(module (memory (export "memory") 1)
  (func $deeper (param i64) (result i64)
    (i64.add (local.get 0) (call $deeper (i64.add (local.get 0) (i64.const 1)))))
  (func (export "_start") (drop (call $deeper (i64.const 0)))))`;

// One subscription to the monotonic clock: 31,536,000 seconds from now.
const YEAR = `(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 31536000000000000))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))`;

const TEXTS = {
  "endless loops": ENDLESS,
  "memory hogs": HOG,
  "large fills": FILL,
  "log floods": FLOOD,
  "deep recursions": RECURSION,
  "polls for a year": YEAR,
} as const;

export type HostileName = keyof typeof TEXTS;
export const HOSTILE_NAMES = Object.keys(TEXTS) as readonly HostileName[];

export async function hostile(name: HostileName): Promise<Hostile> {
  const wabt = await openWabt();
  const module = wabt.parseWat(`${name}.wat`, TEXTS[name], { bulk_memory: true });
  try {
    return { name, module: new Uint8Array(module.toBinary({}).buffer) };
  } finally {
    module.destroy();
  }
}
