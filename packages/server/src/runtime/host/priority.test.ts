import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { test } from "node:test";
import { TEST_LIMITS } from "../../testing/limits.ts";
import { echoModule, loopModule } from "../../testing/modules.ts";
import { until } from "../../testing/until.ts";
import { threadRuntime } from "./thread-runtime.ts";

const LIMITS = {
  ...TEST_LIMITS,
  memoryBytes: 1024 * 1024,
  outputBytes: 1024,
  logBytes: 1024,
  logLines: 10,
  emits: 0,
};

/** The priority of every guest thread of this process. */
function priorities(): readonly number[] {
  return readdirSync("/proc/self/task").flatMap((tid) => {
    try {
      const name = readFileSync(`/proc/self/task/${tid}/comm`, "utf8");
      return name.startsWith("nexus-guest-") ? [getPriority(Number(tid))] : [];
    } catch {
      return []; // it ended meanwhile
    }
  });
}

const skip =
  process.platform !== "linux" || process.getuid?.() !== 0 ? "needs root on Linux" : false;

test(
  "guest threads give way to the server, and endless loops to everybody",
  { skip, timeout: 30_000 },
  async () => {
    const runtime = threadRuntime({ workers: 2, maxWorkers: 2 });
    const run = (version: string, signal?: AbortSignal) =>
      runtime.invoke(
        { version, function: version, stdin: new Uint8Array(0), env: {} },
        ...(signal === undefined ? [] : [signal]),
      );
    try {
      await runtime.load({
        version: "loop",
        bytes: await loopModule(),
        limits: { ...LIMITS, timeoutMs: 20_000 },
      });
      await runtime.load({
        version: "echo",
        bytes: await echoModule(),
        limits: { ...LIMITS, timeoutMs: 20_000 },
      });
      await run("echo");
      await until(() => priorities().length === 2 && priorities().every((nice) => nice === 5));
      const stop = new AbortController();
      const looping = run("loop", stop.signal);
      await until(() => priorities().includes(19));
      assert.ok(priorities().includes(5), "the other thread stays as it was");
      assert.equal((await run("echo")).status, "succeeded");
      stop.abort();
      assert.equal((await looping).status, "cancelled");
      await until(() => !priorities().includes(19));
    } finally {
      await runtime.close();
    }
  },
);

test(
  "threadRuntime() whose guests do not give way leaves them the process's own priority",
  { skip: process.platform === "linux" ? false : "needs Linux", timeout: 30_000 },
  async () => {
    const runtime = threadRuntime({ workers: 1, maxWorkers: 1, givesWay: false });
    try {
      const limits = { ...LIMITS, timeoutMs: 200 };
      await runtime.load({ version: "loop", bytes: await loopModule(), limits, warmUp: false });
      const request = { version: "loop", function: "loop", stdin: new Uint8Array(0), env: {} };
      const seen = new Set<number>();
      let status: string | undefined;
      void runtime.invoke(request).then((outcome) => (status = outcome.status));
      await until(() => {
        for (const nice of priorities()) seen.add(nice);
        return status !== undefined;
      });
      assert.deepEqual([status, [...seen]], ["timed_out", [getPriority()]]);
    } finally {
      await runtime.close();
    }
  },
);
