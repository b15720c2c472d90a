// A worker that runs a module the naive way: each call instantiates the module as it came, which makes
// itself a memory, with WASI set up anew; nothing is kept for the next call.
import { parentPort, workerData } from "node:worker_threads";
import { emitFunction } from "@nexus-functions/server/runtime/guest/emit";
import { GuestContext, type Strings } from "@nexus-functions/server/runtime/guest/context";
import { Journal } from "@nexus-functions/server/runtime/guest/journal";
import { BLOCKING } from "@nexus-functions/server/runtime/guest/blocking";
import { preview1 } from "@nexus-functions/server/runtime/guest/wasi/preview1";
import { journalBuffers, journalFacts, readEffects } from "@nexus-functions/server/runtime/journal";
import { ANSWER, LIMITS, REQUEST } from "./modules.ts";

/** How long each call took, in microseconds. */
export interface NaiveRound {
  readonly us: readonly number[];
  /** Of the worker, for all calls together. */
  readonly processorUs: number;
}

const utf8 = new TextEncoder();
// The one thing that is kept: these reserve addresses, and no host that runs call after call in a
// thread would reserve them anew.
const buffers = journalBuffers();
const facts = journalFacts(buffers);
const module = new WebAssembly.Module(workerData as Uint8Array<ArrayBuffer>);

function call(): Uint8Array {
  const context = new GuestContext(BLOCKING);
  const imports = {
    wasi_snapshot_preview1: preview1(context),
    nexus: { emit: emitFunction(context) },
  };
  const { exports } = new WebAssembly.Instance(module, imports);
  context.journal = new Journal(buffers);
  context.journal.clear();
  context.journal.begin(LIMITS, false);
  context.stdin = REQUEST.stdin;
  context.args = strings(["bench"]);
  context.env = strings(Object.entries(REQUEST.env).map(([name, value]) => `${name}=${value}`));
  context.mostCalls = LIMITS.hostCalls;
  context.memory.attach(exports["memory"] as WebAssembly.Memory);
  try {
    (exports["_start"] as () => void)();
  } catch (error) {
    if (context.exitCode !== 0) throw error;
  }
  return readEffects(buffers, facts).output;
}

function strings(values: readonly string[]): Strings {
  return { count: values.length, bytes: utf8.encode(values.map((value) => `${value}\0`).join("")) };
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
