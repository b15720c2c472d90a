// The guest thread. It knows protocol.ts, journal.ts, files.ts, errno.ts and what lies in this folder; no file system, no network.
import { parentPort, workerData } from "node:worker_threads";
import {
  sharedClock,
  SLOT,
  slotViews,
  type FromGuest,
  type GuestData,
  type Run,
  type RunResult,
  type ToGuest,
} from "../protocol.ts";
import { Guest } from "./guest.ts";
import { Journal } from "./journal.ts";
import { keepFrames } from "./trap.ts";

/** Results are held back for company no longer than this. */
const BATCH_MS = 0.2;

keepFrames();
const port = parentPort!;
const { slots, journal } = workerData as GuestData;
const { state, startedAt } = slotViews(slots);
const now = sharedClock();
const guest = new Guest(journal);
guest.context.beforeSleep = flush;

let results: RunResult[] = [];
let heldFor: string | undefined;
let heldSince = 0;

function send(message: FromGuest): void {
  port.postMessage(message);
}

function flush(): void {
  if (results.length === 0) return;
  const batch = results;
  results = [];
  send({ kind: "results", results: batch });
}

function runOne(run: Run): void {
  // Another function's result never waits behind this run, which may be an endless one.
  if (heldFor !== run.version) flush();
  startedAt[run.slot] = now();
  guest.context.journal.clear();
  if (Atomics.compareExchange(state, run.slot, SLOT.waiting, SLOT.running) !== SLOT.waiting) {
    Atomics.store(state, run.slot, SLOT.free);
    return;
  }
  const result = guest.run(run);
  if (Atomics.compareExchange(state, run.slot, SLOT.running, SLOT.done) !== SLOT.running) {
    // The host has ended this run and is about to end the thread; the journal is the host's to read.
    Atomics.wait(state, run.slot, SLOT.halted);
  }
  if (results.length === 0) heldSince = performance.now();
  heldFor = run.version;
  results.push(result);
  if (performance.now() - heldSince > BATCH_MS) flush();
}

port.on("message", (message: ToGuest) => {
  switch (message.kind) {
    case "load":
      guest.load(message.version, message.module, message.plan);
      break;
    case "unload":
      guest.unload(message.version);
      break;
    case "journal":
      guest.context.journal = new Journal(message.journal);
      break;
    case "run":
      for (const run of message.runs) runOne(run);
      flush();
      break;
  }
});

send({ kind: "ready" });
