// Processor time by thread, as Linux keeps it: what a figure costs, however busy the machine was.
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessorTime {
  /** Milliseconds of the thread that runs the event loop. */
  readonly main: number;
  /** Of the threads that run guests. */
  readonly guests: number;
  /** Of all the others: the log's, libuv's, V8's helpers. */
  readonly others: number;
}

/** Since the process began; threads that have ended are not in it. */
export function processorTime(pid: number = process.pid): ProcessorTime {
  const time = { main: 0, guests: 0, others: 0 };
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${tid}`;
    const ms = Number(read(`${folder}/schedstat`).split(" ")[0]) / 1e6;
    if (Number(tid) === pid) time.main += ms;
    else if (read(`${folder}/comm`).startsWith("nexus-guest")) time.guests += ms;
    else time.others += ms;
  }
  return time;
}

export function since(before: ProcessorTime, after: ProcessorTime): ProcessorTime {
  return {
    main: after.main - before.main,
    guests: after.guests - before.guests,
    others: after.others - before.others,
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // the thread has just ended
  }
}
