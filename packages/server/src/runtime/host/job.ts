import type { ModulePlan } from "../protocol.ts";
import type { InvokeRequest, ModuleFacts, Outcome } from "../runtime.ts";
import type { Symbols } from "../symbols/symbols.ts";
import type { Learnt } from "./learn.ts";

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
  readonly learnt: Learnt;
  /** Invocations under way, the waiting ones included. */
  underWay: number;
  /** Taken out of service; forgotten when the last invocation has ended. */
  retired: boolean;
}

/** One invocation on its way through the pool. */
export interface Job {
  readonly request: InvokeRequest;
  readonly loaded: LoadedModule;
  /** What waits in one line: a function's runs, or those that are made again. */
  readonly lane: string;
  /** Called exactly once. */
  readonly settle: (outcome: Outcome) => void;
  /** How often the thread that held this job died with nobody to blame. */
  deaths: number;
  /** It had begun when its thread was ended for another run's sake: from now on nothing runs beside it. */
  alone: boolean;
  /** Nobody asked for it: not counted, and nothing of it is kept. */
  readonly warmUp: boolean;
}
