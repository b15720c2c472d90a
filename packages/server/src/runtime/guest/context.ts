import type { JournalBuffers } from "../journal.ts";
import type { Run } from "../protocol.ts";
import { GuestMemory } from "./guest-memory.ts";
import { Journal } from "./journal.ts";
import { WallClock } from "./wall-clock.ts";
import { Descriptors, type Granted } from "./wasi/descriptors.ts";

/**
 * What host calls know of the run under way. There is one a worker; `begin` makes all of it new, so
 * that the import functions can be bound once and no run sees another's.
 */
export class GuestContext {
  readonly memory = new GuestMemory();
  /** Replaced between runs, where the last one's has become large. */
  journal: Journal;
  descriptors = new Descriptors(NOTHING_GRANTED);
  stdin: Uint8Array = NOTHING;
  stdinAt = 0;
  args: readonly string[] = [];
  env: Run["env"] = {};
  /** By performance.now(). */
  startedMs = 0;
  readonly wallClock = new WallClock();
  /** What the thread's CPU clock has to be changed by to count from the run's start; null: not asked yet. */
  cpuOffsetNs: bigint | null = null;
  /** What proc_exit was given. */
  exitCode: number | null = null;
  /** Called before the guest sleeps, so that nobody waits for results that are ready. */
  beforeSleep: () => void = () => undefined;

  constructor(journal: JournalBuffers) {
    this.journal = new Journal(journal);
  }

  /** Where `granted` is left out, the run sees no file system. */
  begin(run: Run, memory: WebAssembly.Memory | null, granted: Granted = NOTHING_GRANTED): void {
    this.memory.attach(memory);
    this.descriptors = new Descriptors(granted);
    this.stdin = run.stdin;
    this.stdinAt = 0;
    this.args = run.args;
    this.env = run.env;
    this.exitCode = null;
    this.cpuOffsetNs = null;
  }

  /** Told when a limit stops something that the guest wanted. */
  noteLimit(_name: "scratch"): void {}

  noteMemory(): void {
    this.journal.noteMemory(this.memory.byteLength);
  }

  /** Lets go of all that the run brought. */
  end(): void {
    this.memory.attach(null);
    this.descriptors.end();
    this.stdin = NOTHING;
    this.env = {};
    this.args = [];
  }
}

const NOTHING = new Uint8Array(0);
const NOTHING_GRANTED: Granted = { preopens: [] };
