import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";

// Linux keeps a priority ("nice") for every thread; elsewhere it is the whole process's, and stays as
// it is. 0 is usual, 19 the least: weights are 1024 at 0, 335 at 5 and 15 at 19.
const RUNNING = 5;
const LONG = 19;
const TASKS = "/proc/self/task";

/**
 * The priority of one guest thread: below the threads that answer HTTP and write the log, and far below
 * everything while a run goes on for long. A long run gets what nobody else wants; beside endless
 * loops, short runs go on.
 */
export class ThreadPriority {
  readonly #tid: number | undefined;
  #restorable = false;
  #long = false;

  /** `name`: the thread's, no other has it. The thread has to be running. */
  constructor(name: string) {
    this.#tid = threadNamed(name);
    // Only who has the right to (CAP_SYS_NICE) can raise what was lowered.
    if (this.#set(RUNNING + 1)) this.#restorable = this.#set(RUNNING);
  }

  /** Its run takes long. Does nothing where it could not be undone. */
  lower(): void {
    if (this.#long || !this.#restorable) return;
    this.#long = this.#set(LONG);
  }

  /** The long run is over. */
  restore(): void {
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

function nameOf(tid: string): string | undefined {
  try {
    return readFileSync(`${TASKS}/${tid}/comm`, "utf8").trimEnd();
  } catch {
    return undefined; // ended since the folder was read
  }
}
