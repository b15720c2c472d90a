import type { ModulePlan } from "../protocol.ts";
import type { InvokeRequest, ModuleFacts, Outcome } from "../runtime.ts";
import type { Symbols } from "../symbols/symbols.ts";

/** A version in service, as every thread is told of it. */
export interface LoadedModule {
  readonly version: string;
  readonly module: WebAssembly.Module;
  readonly plan: ModulePlan;
  readonly facts: ModuleFacts;
  readonly symbols: Symbols;
  readonly timeoutMs: number;
  /** What a run takes, learnt from the last ones; says how many may wait in one thread. */
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
}
