import { once } from "node:events";
import { fork } from "node:child_process";

/** Runs a program of this repository in a process of its own, and hears what it sends. */
export function startChild(program: URL, args: readonly string[]) {
  const child = fork(program, args, {
    execArgv: ["--conditions=nexus-source"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  return {
    child,
    /** Resolves with the next message. */
    message: async (): Promise<unknown> => (await once(child, "message"))[0],
    /** Ends it as a power cut would, as far as the process is concerned. */
    async kill(): Promise<void> {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
