import type { ModulePlan, Run } from "../protocol.ts";
import { GuestMemory } from "./guest-memory.ts";
import { LogLines } from "./log-lines.ts";
import { Output } from "./output.ts";
import { freshDescriptors, type Descriptor } from "./wasi/descriptors.ts";

/**
 * What host calls know of the run under way. There is one a worker; `begin` makes all of it new, so
 * that the import functions can be bound once and no run sees another's.
 */
export class GuestContext {
  readonly memory = new GuestMemory();
  readonly stdout = new Output();
  readonly stderr = new LogLines();
  descriptors: (Descriptor | undefined)[] = [];
  stdin: Uint8Array = new Uint8Array(0);
  stdinAt = 0;
  args: readonly string[] = [];
  env: Run["env"] = {};
  emitted: Uint8Array[] = [];
  emittedBytes = 0;
  maxEmits = 0;
  maxEmittedBytes = 0;
  /** By performance.now(). */
  startedMs = 0;
  /** What proc_exit was given. */
  exitCode: number | null = null;
  /** Called before the guest sleeps, so that nobody waits for results that are ready. */
  beforeSleep: () => void = () => undefined;

  begin(run: Run, plan: ModulePlan, memory: WebAssembly.Memory | null): void {
    this.memory.attach(memory);
    this.stdout.begin(plan.limits.outputBytes);
    this.stderr.begin(plan.limits);
    this.descriptors = freshDescriptors();
    this.stdin = run.stdin;
    this.stdinAt = 0;
    this.args = run.args;
    this.env = run.env;
    this.emitted = [];
    this.emittedBytes = 0;
    this.maxEmits = plan.limits.emits;
    this.maxEmittedBytes = Math.max(plan.limits.outputBytes, LEAST_EMITTED_BYTES);
    this.exitCode = null;
  }

  /** Lets go of all that the run brought. */
  end(): void {
    this.memory.attach(null);
    this.stdin = NOTHING;
    this.env = {};
    this.args = [];
    this.emitted = [];
  }
}

const NOTHING = new Uint8Array(0);
const LEAST_EMITTED_BYTES = 1024 * 1024;
