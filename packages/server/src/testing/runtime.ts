// A runtime of real threads, with short ways to load and run; ended with `await using`.
import type { FunctionLimits } from "../core/function.ts";
import { threadRuntime, type ThreadRuntimeOptions } from "../runtime/host/thread-runtime.ts";
import type { InvokeRequest, Outcome, Runtime } from "../runtime/runtime.ts";
import { TEST_LIMITS } from "./limits.ts";

export interface TestRuntime extends AsyncDisposable {
  readonly runtime: Runtime;
  load(
    name: string,
    module: Promise<Uint8Array>,
    limits?: Partial<FunctionLimits>,
  ): ReturnType<Runtime["load"]>;
  run(name: string, request?: Partial<InvokeRequest>, signal?: AbortSignal): Promise<Outcome>;
}

export function testRuntime(
  options: ThreadRuntimeOptions = { workers: 1 },
  defaults: FunctionLimits = TEST_LIMITS,
): TestRuntime {
  const runtime = threadRuntime(options);
  return {
    runtime,
    async load(name, module, limits = {}) {
      const all = { ...defaults, ...limits };
      return runtime.load({ version: name, bytes: await module, limits: all });
    },
    run: (name, request = {}, signal) =>
      runtime.invoke(
        { version: name, function: name, stdin: new Uint8Array(0), env: {}, ...request },
        signal,
      ),
    [Symbol.asyncDispose]: () => runtime.close(AbortSignal.abort()),
  };
}

/** Loads one module into a runtime of its own, and runs it once. */
export async function runOnce(
  module: Promise<Uint8Array>,
  request: Partial<InvokeRequest> = {},
  limits: Partial<FunctionLimits> = {},
): Promise<Outcome> {
  await using t = testRuntime();
  await t.load("f", module, limits);
  return await t.run("f", request);
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
