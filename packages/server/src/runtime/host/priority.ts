import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";

// Linux keeps a priority ("nice") for every thread; elsewhere it is the whole process's, and stays as
// it is. 0 is usual: weights are 1024 at 0, 335 at 5, 110 at 10 and 15 at 19.
const RUNNING = 5;
const LONG = 10;
/** Of a version that ran out of time before: what it uses is most likely for nothing. */
const OFFENDING = 19;
/** Processor time a run gets, after it was first seen to take long, before it has to give way. */
const GRACE_MS = 10;
const TASKS = "/proc/self/task";

/**
 * The priority of one guest thread: below the threads that answer HTTP and write the log, and lower
 * still while a run goes on for long, so that short runs go on beside endless loops.
 */
export class ThreadPriority {
  readonly #tid: number | undefined;
  #restorable = false;
  #long = false;
  /** Processor time of the thread when its present run was first seen to take long. */
  #seenAtMs: number | undefined;

  /**
   * `name`: the thread's, no other has it. The thread has to be running. One that does not give way keeps
   * the priority it has.
   */
  constructor(name: string, givesWay = true) {
    this.#tid = threadNamed(name);
    if (!givesWay) return;
    // Only who has the right to (CAP_SYS_NICE) can raise what was lowered.
    if (this.#set(RUNNING + 1)) this.#restorable = this.#set(RUNNING);
  }

  /** Until `restore`: a start takes tens of milliseconds of processor time, and others serve meanwhile. */
  starts(): void {
    if (this.#restorable) this.#long = this.#set(LONG);
  }

  /**
   * Its run takes long by the clock; to be called again as long as it does. By processor time is decided
   * whether it gives way: on a busy machine a short run waits long. One that offended before gives way at
   * once, and to all others. Does nothing where it could not be undone.
   */
  lower(offended: boolean): void {
    if (this.#long || !this.#restorable) return;
    if (offended) {
      this.#long = this.#set(OFFENDING);
      return;
    }
    const spent = this.processorMs();
    this.#seenAtMs ??= spent;
    if (spent - this.#seenAtMs >= GRACE_MS) this.#long = this.#set(LONG);
  }

  /** Processor time the thread has used; 0 where the system does not say. */
  processorMs(): number {
    return this.#tid === undefined ? 0 : processorMs(this.#tid);
  }

  /** The long run, or the start, is over. */
  restore(): void {
    this.#seenAtMs = undefined;
    if (!this.#long) return;
    this.#long = false;
    this.#set(RUNNING);
  }

  #set(nice: number): boolean {
    if (this.#tid === undefined) return false;
    try {
      setPriority(this.#tid, nice);
      return true;
    } catch {
      return false; // not allowed, or the thread has just ended
    }
  }
}

function threadNamed(name: string): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const task = readdirSync(TASKS).find((tid) => nameOf(tid) === name);
    return task === undefined ? undefined : Number(task);
  } catch {
    return undefined; // no /proc here
  }
}

/** Processor time the thread has used; 0 where the kernel does not say. */
function processorMs(tid: number): number {
  try {
    return Number(readFileSync(`${TASKS}/${tid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  } catch {
    return 0;
  }
}

function nameOf(tid: string): string | undefined {
  try {
    return readFileSync(`${TASKS}/${tid}/comm`, "utf8").trimEnd();
  } catch {
    return undefined; // ended since the folder was read
  }
}
