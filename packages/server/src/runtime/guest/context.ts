import type { JournalBuffers } from "../journal.ts";
import type { Run } from "../protocol.ts";
import { GuestMemory } from "./guest-memory.ts";
import { Journal } from "./journal.ts";
import { freshDescriptors, type Descriptor } from "./wasi/descriptors.ts";

/**
 * What host calls know of the run under way. There is one a worker; `begin` makes all of it new, so
 * that the import functions can be bound once and no run sees another's.
 */
export class GuestContext {
  readonly memory = new GuestMemory();
  /** Replaced between runs, where the last one's has become large. */
  journal: Journal;
  descriptors: (Descriptor | undefined)[] = [];
  stdin: Uint8Array = NOTHING;
  stdinAt = 0;
  args: readonly string[] = [];
  env: Run["env"] = {};
  /** By performance.now(). */
  startedMs = 0;
  /** What proc_exit was given. */
  exitCode: number | null = null;
  /** Called before the guest sleeps, so that nobody waits for results that are ready. */
  beforeSleep: () => void = () => undefined;

  constructor(journal: JournalBuffers) {
    this.journal = new Journal(journal);
  }

  begin(run: Run, memory: WebAssembly.Memory | null): void {
    this.memory.attach(memory);
    this.descriptors = freshDescriptors();
    this.stdin = run.stdin;
    this.stdinAt = 0;
    this.args = run.args;
    this.env = run.env;
    this.exitCode = null;
  }

  noteMemory(): void {
    this.journal.noteMemory(this.memory.byteLength);
  }

  /** Lets go of all that the run brought. */
  end(): void {
    this.memory.attach(null);
    this.stdin = NOTHING;
    this.env = {};
    this.args = [];
  }
}

const NOTHING = new Uint8Array(0);
