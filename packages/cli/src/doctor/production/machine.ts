import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";

/** What the process of a server would have here. */
export interface Machine {
  /** Undefined: there are no such users on this system. */
  readonly uid: number | undefined;
  readonly node: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Whether a control group sets it, rather than the machine. */
  readonly memoryIsLimited: boolean;
  /** Descriptors a process may have open; undefined: not known. */
  readonly openFiles: number | undefined;
}

export function readMachine(): Machine {
  // Without a limit it is 0, or larger than any machine.
  const limit = process.constrainedMemory();
  const total = totalmem();
  const memoryIsLimited = limit > 0 && limit < total;
  return {
    uid: process.getuid?.(),
    node: process.versions.node,
    cores: availableParallelism(),
    memoryBytes: memoryIsLimited ? limit : total,
    memoryIsLimited,
    openFiles: openFiles(),
  };
}

/** Node raises its soft limit to the hard one when it starts; what holds then is told here. */
function openFiles(): number | undefined {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
    return soft === "unlimited" ? Infinity : Number(soft);
  } catch {
    return undefined; // no Linux
  }
}
