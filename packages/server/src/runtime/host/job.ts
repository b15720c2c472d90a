import type { ModulePlan } from "../protocol.ts";
import type { InvokeRequest, ModuleFacts, Outcome } from "../runtime.ts";
import type { Symbols } from "../symbols/symbols.ts";

/** A version in service, as every thread is told of it. */
export interface LoadedModule {
  readonly version: string;
  /** Its name between the threads. */
  readonly id: number;
  readonly module: WebAssembly.Module;
  readonly plan: ModulePlan;
  readonly facts: ModuleFacts;
  readonly symbols: Symbols;
  readonly timeoutMs: number;
  /** Pages of the memory that its runs are given, so that most find their growth in it. */
  reservedPages: number;
  /** Runs that grew beyond it, since it was last raised. */
  outgrown: number;
  /** Whether its runs are ended in their own threads when they run out of time: one has before. */
  supervised: boolean;
  /** Whether a run of it was ever suspended. */
  waits: boolean;
  /** Runs that have ended in time since. */
  inTime: number;
  /** What a run takes of its thread's time, learnt from the last ones; says how many may wait in one thread. */
  expectedMs: number;
  /** Invocations under way, the waiting ones included. */
  underWay: number;
  /** Taken out of service; forgotten when the last invocation has ended. */
  retired: boolean;
}

/** One invocation on its way through the pool. */
export interface Job {
  readonly request: InvokeRequest;
  readonly loaded: LoadedModule;
  /** Called exactly once. */
  readonly settle: (outcome: Outcome) => void;
  /** How often the thread that held this job died with nobody to blame. */
  deaths: number;
  /** It had begun when its thread was ended for another run's sake: from now on nothing runs beside it. */
  alone: boolean;
  /** Nobody asked for it: not counted, and nothing of it is kept. */
  readonly warmUp: boolean;
}
