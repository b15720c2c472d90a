import { Script } from "node:vm";

const HOOK = "nexus:supervised";
const script = new Script(`globalThis[${JSON.stringify(HOOK)}]()`);

/** What `supervised` gives where time ran out. */
export const OUT_OF_TIME = Symbol("out of time");

/**
 * Runs it for so long at most, whatever it does: V8 ends its execution then, and the thread goes on
 * with other work. Costs a watching thread each time (about 100 µs), hence only for those that were
 * seen to run out of time; from outside, such a run can only be ended with its thread.
 */
export function supervised<T>(run: () => T, ms: number): T | typeof OUT_OF_TIME {
  Object.defineProperty(globalThis, HOOK, { value: run, configurable: true });
  try {
    return script.runInThisContext({ timeout: Math.max(1, Math.ceil(ms)) }) as T;
  } catch (error) {
    if (isTimeout(error)) return OUT_OF_TIME;
    throw error;
  } finally {
    Object.defineProperty(globalThis, HOOK, { value: undefined, configurable: true });
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
