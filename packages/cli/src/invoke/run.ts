import type { NexusEvent } from "@nexus-functions/server/core/event";
import type { Invocation } from "@nexus-functions/server/core/invocation";
import { DEFAULT_PLATFORM_SETTINGS } from "@nexus-functions/server/core/settings";
import { childTrace, formatTraceparent } from "@nexus-functions/server/core/trace";
import type { SecretsConfig } from "@nexus-functions/server/core/secrets";
import type { Attempt } from "@nexus-functions/server/dispatch/attempt";
import type { Runtime } from "@nexus-functions/server/runtime/runtime";
import type { Target } from "./target.ts";

export interface LocalRun extends Target {
  readonly event: NexusEvent;
  readonly args: readonly string[];
  readonly secrets: SecretsConfig;
  readonly signal: AbortSignal;
}

/**
 * One attempt as the server makes it, from the environment to the check of what was emitted. Nothing is kept, but what it asks
 * of other servers is asked.
 */
export async function runLocally(
  run: LocalRun,
): Promise<{ readonly attempt: Attempt; readonly record: Invocation }> {
  const [{ threadRuntime }, { runAttempt }, { invocationRecord }, { silentTelemetry }] =
    await Promise.all([
      import("@nexus-functions/server/runtime/host/thread-runtime"),
      import("@nexus-functions/server/dispatch/attempt"),
      import("@nexus-functions/server/dispatch/record"),
      import("@nexus-functions/server/telemetry/silent"),
    ]);
  const [{ grantedEffects }, { memoryState }, { readSecrets }] = await Promise.all([
    import("@nexus-functions/server/effects/granted"),
    import("@nexus-functions/server/log/drivers/memory-state"),
    import("@nexus-functions/server/effects/secrets"),
  ]);
  const secrets = await readSecrets(run.secrets);
  const { fn, module, sourceMap, event } = run;
  const threads = threadRuntime({ workers: 1 });
  try {
    const files = run.files ?? { mounts: [], scratchBytes: 0 };
    await threads.load({
      version: fn.version,
      bytes: module,
      limits: fn.limits,
      grants: fn.grants,
      files,
      warmUp: false,
      ...(sourceMap === undefined ? {} : { sourceMap }),
    });
    const attempt = await runAttempt(
      {
        event: { event, meta: { traceparent: formatTraceparent(childTrace()), depth: 0 } },
        version: fn,
        attempt: 1,
        trigger: "event",
        chainDepth: DEFAULT_PLATFORM_SETTINGS.chainDepth,
        maxEventBytes: Infinity,
      },
      {
        runtime: withArguments(threads, run),
        effects: grantedEffects({ state: memoryState(), secrets, now: Date.now }),
        telemetry: silentTelemetry(),
        now: Date.now,
      },
    );
    return { attempt, record: invocationRecord(attempt, { position: 0, delivery: "none" }) };
  } finally {
    await threads.close();
  }
}

/** A runtime whose every invocation gets these arguments, and ends when the signal aborts. */
function withArguments(runtime: Runtime, { args, signal }: LocalRun): Runtime {
  return {
    load: (module) => runtime.load(module),
    unload: (version) => runtime.unload(version),
    invoke: (request) => runtime.invoke({ ...request, args }, signal),
    status: () => runtime.status(),
    close: (signal) => runtime.close(signal),
  };
}
