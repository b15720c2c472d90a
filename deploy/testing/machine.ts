// A machine within this one: network, mounts, processes of its own. What happens there leaves nothing behind here.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";

export interface Machine extends AsyncDisposable {
  /** What to put before a command, so that it runs there. */
  readonly enter: readonly string[];
}

// Folders in which programs keep what is true of one machine: sockets, locks, names of networks. bash, because as
// process 1 it takes in what others leave; and it ends, and everything with it, when the test's end of the pipe is gone.
const FIRST_PROCESS = `
  mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dev/shm && ip link set lo up && echo ready && read
`;

const NAMESPACES = ["--net", "--mount", "--pid", "--ipc", "--uts"] as const;

/** Takes root. It ends, with all of its processes, when it is disposed or this process ends in any way. */
export async function openMachine(): Promise<Machine> {
  const holder = spawn(
    "unshare",
    [...NAMESPACES, "--fork", "--kill-child", "--mount-proc", "bash", "-c", FIRST_PROCESS],
    { stdio: ["pipe", "pipe", "pipe"] },
  );
  const ended = once(holder, "close");
  let complaint = "";
  holder.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  await Promise.race([once(holder.stdout, "data"), ended]);
  if (holder.exitCode !== null) throw new Error(`Cannot open machine: ${complaint}`);
  const children = await readFile(`/proc/${holder.pid}/task/${holder.pid}/children`, "utf8");
  return {
    enter: ["nsenter", "--target", children.trim(), ...NAMESPACES, "--"],
    async [Symbol.asyncDispose]() {
      holder.stdin.end();
      await ended;
    },
  };
}
