import type { FunctionLimits } from "../core/function.ts";
import type { GrantedFiles } from "../core/mounts.ts";
import type { InvocationError, InvocationStatus, LimitName, LogLine } from "../core/invocation.ts";
import type { Grants } from "../core/grants.ts";
import type { HostCalls } from "./host-calls.ts";
import type { PassThrough } from "./files-channel.ts";

/**
 * Runs WebAssembly modules in threads of their own: each invocation in a fresh instance that sees
 * nothing of any other, under limits that hold whatever the module does.
 */
export interface Runtime {
  /**
   * Compiles the module and makes it ready on the workers, so that the first event does not pay for it.
   * Safe to call again with the same version. Rejects with MODULE_INVALID where the bytes are no
   * WebAssembly, import what the platform does not give, or export no entry point; the message says which.
   */
  load(module: LoadableModule): Promise<ModuleFacts>;

  /** Forgets a version; invocations under way finish. */
  unload(version: string): void;

  /**
   * Runs one event. Resolves with how it ended and what it did until then, whatever the module did and
   * whoever ended it; rejects with
   * SHUTTING_DOWN after `close`, and with MODULE_INVALID if the version was never loaded. When `signal`
   * aborts, the guest is stopped and the outcome is `cancelled`, unless it has just ended by itself.
   */
  invoke(request: InvokeRequest, signal?: AbortSignal): Promise<Outcome>;

  status(): RuntimeStatus;

  /** Waits for invocations under way until `signal` aborts, then stops the threads. Safe to call twice. */
  close(signal?: AbortSignal): Promise<void>;
}

export interface LoadableModule {
  /** Names the module and its limits everywhere in the runtime. */
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly limits: FunctionLimits;
  /** Absent: it sees no file system. */
  readonly files?: GrantedFiles;
  /** What it may import of host calls; absent: none that need a grant. */
  readonly grants?: Grants | undefined;
  /**
   * A local program only: the process's streams in place of `stdin`, `output` and `logs`, and the
   * process's directories. It is to be run once.
   */
  readonly passThrough?: PassThrough;
  /** Runs it once on an event of no meaning, so that the first real one finds it warm; true unless told. */
  readonly warmUp?: boolean;
  /** Read where the module traps, to tell where in its source that was. */
  readonly sourceMap?: Uint8Array;
}

export interface ModuleFacts {
  /** How the module is entered. */
  readonly entry: "command" | "reactor" | "bare";
  /** Bytes of the memory it starts with. */
  readonly initialMemoryBytes: number;
  /** Imports by module name, for `nexus validate` and `nexus doctor`. */
  readonly imports: readonly string[];
}

export interface InvokeRequest {
  readonly version: string;
  readonly function: string;
  /** Fairness is per lane: one that has much to do does not make others wait. Absent: the function. */
  readonly lane?: string;
  /** What the guest reads: the event in the JSON event format. */
  readonly stdin: Uint8Array;
  readonly env: Readonly<Record<string, string>>;
  /** argv after the program's name. */
  readonly args?: readonly string[];
  /**
   * `record`: the outcome has the tape of what the run was given. A tape: the run is given what that says,
   * and nothing of the machine's own; where it asks for something else, it ends with REPLAY_DIVERGED.
   */
  readonly tape?: "record" | Uint8Array | FollowedTape;
  /** Who answers its host calls; asked by no replay. Absent: they are refused (`nosys`). */
  readonly hostCalls?: HostCalls | undefined;
  /** What `secret_get` gives, by name: in a replay too, which ends where one is not what it was. */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
}

/**
 * The tape of another version's run, for one that asks for other things: it is given the same as far as it
 * asks for the same, and what follows from the tape beyond that; nothing of the machine's own. Two such
 * runs are alike, bit for bit.
 */
export interface FollowedTape {
  readonly follow: Uint8Array;
  /** When the recorded run began: milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

export interface Outcome {
  readonly status: InvocationStatus;
  readonly exitCode: number | null;
  /** Whether the guest came to its end by itself: false where the host ended it, at a moment of its own. */
  readonly byItself: boolean;
  /** Whether the machine had no memory for it, so that it never began. */
  readonly starved: boolean;
  /** Null if and only if `status` is `succeeded`. */
  readonly error: InvocationError | null;
  readonly output: Uint8Array;
  /** Bytes the guest wrote, those over the limit included. */
  readonly outputBytes: number;
  readonly logs: readonly LogLine[];
  readonly logsTruncated: boolean;
  /** Limits it reached, whether that ended it or not. */
  readonly limits: readonly LimitName[];
  /** What the guest passed to `nexus.emit`, each a JSON text, unchecked, in order. */
  readonly emitted: readonly Uint8Array[];
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly memoryPeakBytes: number;
  readonly cold: boolean;
  /**
   * What the run was given (runtime/tape.ts), where that was asked for; of one that followed a tape, its host
   * calls alone.
   */
  readonly tape: Uint8Array;
  /** Whether that is all it was given: false where it was more than a tape holds. */
  readonly tapeWhole: boolean;
}

export interface RuntimeStatus {
  readonly workers: number;
  readonly busy: number;
  /** Invocations waiting for a worker. */
  readonly queued: number;
  /** Threads replaced because a guest had to be stopped, or died. */
  readonly replaced: number;
  readonly coldStarts: number;
  readonly warmStarts: number;
  readonly loaded: number;
}
