// A seeded mixture of good and bad versions, cancelled, unloaded and loaded again at any moment: each
// run has its own right outcome, exactly once, and nothing is left of any of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FunctionLimits } from "../core/function.ts";
import {
  echoModule,
  emitModule,
  hogModule,
  loopModule,
  trapModule,
  wasiModule,
  wat,
} from "../testing/modules.ts";
import { bytes, testRuntime, text, type TestRuntime } from "../testing/runtime.ts";
import type { Outcome } from "./runtime.ts";

const PAGE = 65_536;
const SEEDS = [1, 2, 3, 4];
const ROUND_MS = 10_000;
const AT_ONCE = 48;
/** No run has a timeout near it: what takes longer is lost. */
const LOST_MS = 30_000;
const WASI = `"wasi_snapshot_preview1"`;

/** Reads its event to 1024, sleeps as many milliseconds as its first byte says, and then `then`. */
const sleeps = (then: string) =>
  wat(`(module
  (import ${WASI} "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import ${WASI} "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import ${WASI} "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 4096))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 144) (i32.const 1))
    (i64.store (i32.const 152)
      (i64.mul (i64.const 1000000) (i64.sub (i64.load8_u (i32.const 1024)) (i64.const 48))))
    (if (call $poll (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 320)) (then (unreachable)))
    ${then}
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))))`);

/** Writes to all of its memory, behind its end too where that is not refused, and echoes. */
const grows = () =>
  wasiModule(`(func (export "_start") (local $at i32)
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 4096))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (local.set $at (i32.const 8192))
    (loop $clean
      (if (i32.load8_u (local.get $at)) (then (unreachable)))
      (br_if $clean (i32.lt_u
        (local.tee $at (i32.add (local.get $at) (i32.const 64))) (i32.const ${2 * PAGE}))))
    (drop (memory.grow (i32.load8_u (i32.const 1024))))
    (memory.fill (i32.const 8192) (i32.const 255)
      (i32.sub (i32.mul (memory.size) (i32.const ${PAGE})) (i32.const 8192)))
    (call $write (i32.const 1) (i32.const 1024) (i32.load (i32.const 8))))`);

interface Kind {
  readonly module: () => Promise<Uint8Array>;
  readonly limits?: Partial<FunctionLimits>;
  /** Of 100 runs. */
  readonly share: number;
  /** Throws where this is not how a run on that event ends. */
  readonly check: (outcome: Outcome, event: string) => void;
}

function echoed(outcome: Outcome, event: string): void {
  assert.equal(outcome.status, "succeeded", `${outcome.error?.message}`);
  assert.equal(text(outcome.output), event);
}

function ends(status: Outcome["status"]): Kind["check"] {
  return (outcome) => {
    assert.equal(outcome.status, status, `${outcome.error?.message}`);
    assert.equal(outcome.output.length, 0);
  };
}

const LATE_LOOP =
  "(if (i32.eq (i32.load8_u (i32.const 1025)) (i32.const 48)) (then (loop $l (br $l))))";

const KINDS: Readonly<Record<string, Kind>> = {
  echo: { module: echoModule, share: 38, check: echoed },
  sleeper: { module: () => sleeps(""), share: 20, check: echoed },
  /** Some of its runs loop after their sleep; the others slept beside them. */
  mixed: {
    module: () => sleeps(LATE_LOOP),
    limits: { timeoutMs: 1_000 },
    share: 5,
    check: (outcome, event) =>
      event[1] === "0" ? ends("timed_out")(outcome, event) : echoed(outcome, event),
  },
  looper: { module: loopModule, limits: { timeoutMs: 40 }, share: 3, check: ends("timed_out") },
  trapper: { module: trapModule, share: 8, check: ends("trapped") },
  hog: { module: hogModule, share: 4, check: ends("out_of_memory") },
  grower: {
    module: grows,
    share: 12,
    check(outcome, event) {
      echoed(outcome, event);
      assert.equal(outcome.memoryPeakBytes, (2 + event.charCodeAt(0)) * PAGE);
    },
  },
  emitter: {
    module: emitModule,
    share: 10,
    check(outcome, event) {
      assert.equal(outcome.status, "succeeded");
      assert.deepEqual(outcome.emitted.map(text), [event]);
    },
  },
};

/** A small generator (mulberry32): the same numbers below 1 for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function kindBy(random: () => number): string {
  let at = random() * 100;
  for (const [name, { share }] of Object.entries(KINDS)) {
    at -= share;
    if (at < 0) return name;
  }
  return "echo";
}

async function load(t: TestRuntime, name: string): Promise<void> {
  const { module, limits = {} } = KINDS[name]!;
  await t.load(name, module(), limits);
}

/** One run; whether it was made at all: its version may just have been unloaded. */
async function runOne(t: TestRuntime, random: () => number, label: string): Promise<boolean> {
  const name = kindBy(random);
  const event = `${Math.floor(random() * 10)}${Math.floor(random() * 10)} ${label}`;
  const cancels = random() < 0.15;
  const stop = new AbortController();
  const stopping = setTimeout(() => stop.abort(), cancels ? random() * 30 : LOST_MS);
  try {
    const outcome = await t.run(name, { stdin: bytes(event) }, stop.signal);
    if (!stop.signal.aborted) KINDS[name]!.check(outcome, event);
    else if (!cancels) assert.fail(`a run of "${name}" was lost: ${JSON.stringify(outcome)}`);
    else if (outcome.status !== "cancelled") KINDS[name]!.check(outcome, event);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "MODULE_INVALID") return false;
    throw error;
  } finally {
    clearTimeout(stopping);
  }
}

for (const seed of SEEDS) {
  const workers = 1 + ((seed - 1) % 4);
  test(`invoke() gives each of a random mixture its own outcome, with ${workers} workers`, async () => {
    await using t = testRuntime({ workers, maxWorkers: 2 * workers });
    const random = generator(seed);
    await Promise.all(Object.keys(KINDS).map((name) => load(t, name)));
    const until = performance.now() + ROUND_MS;
    let runs = 0;
    const keepOn = async (lane: number): Promise<void> => {
      for (let round = 0; performance.now() < until; round += 1) {
        if (await runOne(t, random, `lane ${lane} round ${round}`)) runs += 1;
        else await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const reload = async (): Promise<void> => {
      while (performance.now() < until) {
        const name = kindBy(random);
        await new Promise((resolve) => setTimeout(resolve, random() * 100));
        t.runtime.unload(name);
        await Promise.all([load(t, name), load(t, name)]);
      }
    };
    await Promise.all([reload(), ...Array.from({ length: AT_ONCE }, (_, lane) => keepOn(lane))]);
    assert.ok(runs > AT_ONCE, "they came to run");
    const { busy, queued, loaded } = t.runtime.status();
    assert.deepEqual({ busy, queued, loaded }, { busy: 0, queued: 0, loaded: 8 });
    // More at once than all threads have seats.
    const last = Array.from({ length: 2 * workers * 16 + 16 }, (_, index) => `90 last ${index}`);
    const outcomes = await Promise.all(
      last.map((event) => t.run("sleeper", { stdin: bytes(event) })),
    );
    for (const [index, outcome] of outcomes.entries()) echoed(outcome, last[index]!);
  });
}
