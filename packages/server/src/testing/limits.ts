import type { FunctionLimits } from "../core/function.ts";

/** Limits for tests, small enough to be reached. */
export const TEST_LIMITS: FunctionLimits = {
  timeoutMs: 5_000,
  memoryBytes: 16 * 1024 * 1024,
  outputBytes: 1024,
  logBytes: 256,
  logLines: 5,
  emits: 3,
  hostCalls: 1_000_000_000,
  cpuMs: 0,
  tableElements: 1_000_000,
  moduleBytes: 64 * 1024 * 1024,
};
