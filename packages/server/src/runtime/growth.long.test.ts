// What a run leaves behind in V8's heaps adds up over days: nothing may.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Worker } from "node:worker_threads";
import { echoModule, trapModule } from "../testing/modules.ts";
import { bytes, testRuntime, type TestRuntime } from "../testing/runtime.ts";

/** Until then V8 still compiles. */
const SETTLED_RUNS = 20_000;
/** Once, at some time, V8 drops megabytes that Node needed at its start: the median part says what a run leaves. */
const PARTS = 5;
const PART_RUNS = 40_000;
const AT_ONCE = 64;
/** A run that kept a number alive would cost more than twice as much. */
const MOST_BYTES_A_RUN = 5;

setFlagsFromString("--expose-gc");
const collectAll = runInNewContext("gc") as () => void;

interface Live {
  readonly host: number;
  readonly guest: number;
}

/** What a full collection leaves. */
async function live(worker: Worker): Promise<Live> {
  // A snapshot begins with one; it cannot be asked of another thread otherwise.
  for await (const _ of await worker.getHeapSnapshot());
  const { used_heap_size: guest } = await worker.getHeapStatistics();
  collectAll();
  return { host: getHeapStatistics().used_heap_size, guest };
}

async function run(t: TestRuntime, runs: number): Promise<void> {
  const stdin = bytes("an event");
  let begun = 0;
  const caller = async () => {
    while (begun < runs) {
      begun += 1;
      const traps = begun % 20 === 0;
      const { status } = await t.run(traps ? "trap" : "echo", { stdin });
      assert.equal(status, traps ? "trapped" : "succeeded");
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
}

test("invoke() leaves nothing behind in the host's heap or a guest thread's", async () => {
  const made = once(process, "worker") as Promise<[Worker]>;
  await using t = testRuntime({ workers: 1, maxWorkers: 1 });
  const [worker] = await made;
  await t.load("echo", echoModule());
  await t.load("trap", trapModule());
  await run(t, SETTLED_RUNS);
  const grown: Live[] = [];
  let before = await live(worker);
  for (let part = 0; part < PARTS; part += 1) {
    await run(t, PART_RUNS);
    const after = await live(worker);
    grown.push({ host: after.host - before.host, guest: after.guest - before.guest });
    before = after;
  }
  for (const side of ["host", "guest"] as const) {
    const parts = grown.map((part) => part[side] / PART_RUNS);
    const each = parts.toSorted((a, b) => a - b)[PARTS >> 1]!;
    assert.ok(
      each < MOST_BYTES_A_RUN,
      `the ${side}'s heap grew by ${parts.join(", ")} bytes a run`,
    );
  }
});
