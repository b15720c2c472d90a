// A worker that runs a module the naive way: each call instantiates the module as it came, which makes
// itself a memory, with WASI set up anew; nothing is kept for the next call.
import { parentPort, workerData } from "node:worker_threads";
import { emitFunction } from "@nexus-functions/server/runtime/guest/emit";
import { GuestContext } from "@nexus-functions/server/runtime/guest/context";
import { preview1 } from "@nexus-functions/server/runtime/guest/wasi/preview1";
import { journalBuffers } from "@nexus-functions/server/runtime/journal";
import { ANSWER, LIMITS, REQUEST } from "./modules.ts";

/** How long each call took, in microseconds. */
export interface NaiveRound {
  readonly us: readonly number[];
  /** Of the worker, for all calls together. */
  readonly processorUs: number;
}

// The one thing that is kept: these reserve addresses, and no host that runs call after call in a
// thread would reserve them anew.
const journal = journalBuffers();
const module = new WebAssembly.Module(workerData as Uint8Array<ArrayBuffer>);
const run = { slot: 0, version: "naive", args: ["bench"], ...REQUEST };

function call(): Uint8Array {
  const context = new GuestContext(journal);
  const imports = {
    wasi_snapshot_preview1: preview1(context),
    nexus: { emit: emitFunction(context) },
  };
  const { exports } = new WebAssembly.Instance(module, imports);
  context.journal.clear();
  context.journal.begin(LIMITS, false);
  context.begin(run, exports["memory"] as WebAssembly.Memory);
  try {
    (exports["_start"] as () => void)();
  } catch (error) {
    if (context.exitCode !== 0) throw error;
  }
  return context.journal.read().output;
}

parentPort!.on("message", (calls: number) => {
  const us: number[] = [];
  const before = process.threadCpuUsage();
  for (let done = 0; done < calls; done += 1) {
    const begun = performance.now();
    const output = call();
    us.push((performance.now() - begun) * 1000);
    const answer = Buffer.from(output).toString();
    if (answer !== ANSWER) throw new Error(`The naive way answers ${answer}, not ${ANSWER}`);
  }
  const spent = process.threadCpuUsage(before);
  const round: NaiveRound = { us, processorUs: spent.user + spent.system };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort!.postMessage(round);
});
