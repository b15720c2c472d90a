import type { NewEvent } from "../core/event.ts";
import type { FunctionVersion } from "../core/function.ts";
import type { TraceContext } from "../core/trace.ts";
import type { HostCalls } from "../runtime/host-calls.ts";

/** What functions may do to the world, and learn from it, as far as nexus.yaml grants it. */
export interface Effects {
  /** What answers the host calls of one run; undefined: its version is granted none. */
  callsFor(run: EffectsRun): HostCalls | undefined;

  /** What `secret_get` gives the runs of a version, by name. A secret that the platform was not given is not there. */
  secretsFor(version: FunctionVersion): Readonly<Record<string, string>> | undefined;
}

export interface EffectsRun {
  readonly version: FunctionVersion;
  readonly event: NewEvent;
  /** The run's own span. */
  readonly trace: TraceContext;
}
