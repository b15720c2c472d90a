import { secretsIn } from "@nexus-functions/server/config";
import { decodeRecording } from "@nexus-functions/server/core/recording";
import type { RecordingFile } from "@nexus-functions/server/core/recording-file";
import type { Rerun, RunAgainDeps } from "@nexus-functions/server/dispatch/run-again";
import type { ArchivedVersion } from "@nexus-functions/server/functions/functions";
import type { Cli } from "../cli.ts";
import { readRecording, unusable } from "./file.ts";
import { versionIn, type PartsOptions } from "./parts.ts";

/** Runs the recording in a file again, in this process, and compares. */
export async function fileAgain(cli: Cli, path: string, options: PartsOptions): Promise<Rerun> {
  const file = await readRecording(cli, path);
  const version = await versionIn(cli, path, file, options);
  return withRuntime(cli, (deps) => unusable(() => again(file, version, deps)));
}

/** Runs it on its own version, given what it was given then. RECORDING_INVALID, MODULE_INVALID. */
export async function again(
  { invocation, recording, event }: RecordingFile,
  version: ArchivedVersion,
  deps: RunAgainDeps,
): Promise<Rerun> {
  const { runAgain } = await import("@nexus-functions/server/dispatch/run-again");
  const run = { recorded: invocation, recording: decodeRecording(recording), event };
  return runAgain(run, version, deps);
}

/**
 * What a runtime is needed for, with one that ends with it, or at Ctrl-C. Runs are given this process's
 * secrets, and nobody answers them but their recordings.
 */
export async function withRuntime<T>(
  { env, signal }: Cli,
  work: (deps: RunAgainDeps) => Promise<T>,
): Promise<T> {
  const [
    { threadRuntime },
    { RerunVersions },
    { grantedEffects },
    { memoryState },
    { readSecrets },
  ] = await Promise.all([
    import("@nexus-functions/server/runtime/host/thread-runtime"),
    import("@nexus-functions/server/dispatch/run-again"),
    import("@nexus-functions/server/effects/granted"),
    import("@nexus-functions/server/log/drivers/memory-state"),
    import("@nexus-functions/server/effects/secrets"),
  ]);
  const secrets = await readSecrets(secretsIn(env));
  const effects = grantedEffects({ state: memoryState(), secrets, now: Date.now });
  const runtime = threadRuntime({ workers: 1 });
  const stop = (): void => void runtime.close(signal);
  signal.addEventListener("abort", stop);
  try {
    const result = await work({ runtime, versions: new RerunVersions(runtime), effects });
    signal.throwIfAborted();
    return result;
  } finally {
    signal.removeEventListener("abort", stop);
    await runtime.close();
  }
}
