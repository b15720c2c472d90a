import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { NexusError } from "../core/errors.ts";
import { configFileOf, portsDir } from "./server-config.ts";

const PATIENCE_MS = 10_000;
const POLL_MS = 20;

/**
 * Ends a nats-server that still runs on this directory, and resolves when none does any more: one whose
 * parent was killed may be on its way out. To be called by whoever has the directory's lock.
 * DATA_DIR_LOCKED where it may not be ended.
 *
 * The file of ports, which a server removes in good order only, names its process. Process ids are used
 * again, so the one that is ended must also have this directory's configuration file in its command line.
 */
export async function endLeftBehind(dir: string): Promise<void> {
  for (const pid of await writersOfPorts(dir)) {
    if (!(await runsOn(pid, dir))) continue;
    end(pid, "SIGTERM", dir);
    const patience = AbortSignal.timeout(PATIENCE_MS);
    while (await runsOn(pid, dir)) {
      if (patience.aborted) end(pid, "SIGKILL", dir);
      await delay(POLL_MS);
    }
  }
}

/** Process ids in the names of the files: `nats-server_123.ports`. */
async function writersOfPorts(dir: string): Promise<readonly number[]> {
  const names = await readdir(portsDir(dir)).catch(() => []);
  return names.flatMap((name) => {
    const pid = /_(\d+)\.ports$/.exec(name)?.[1];
    return pid === undefined ? [] : [Number(pid)];
  });
}

async function runsOn(pid: number, dir: string): Promise<boolean> {
  return (await commandLine(pid)).includes(configFileOf(dir));
}

/** Empty where there is no such process. */
async function commandLine(pid: number): Promise<readonly string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0");
  } catch {
    return fromPs(pid);
  }
}

// Systems without /proc.
async function fromPs(pid: number): Promise<readonly string[]> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-ww", "-o", "command=", "-p", `${pid}`]);
    return stdout.trim().split(" -c ");
  } catch {
    return [];
  }
}

function end(pid: number, signal: NodeJS.Signals, dir: string): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return; // it ended by itself
    throw new NexusError(
      "DATA_DIR_LOCKED",
      `Cannot use data directory "${dir}": the nats-server with process id ${pid} uses it`,
      { cause: error },
    );
  }
}
