import { spawn } from "node:child_process";
import { once } from "node:events";

export interface ShellSession extends AsyncDisposable {
  /** Runs this as it stands, in the same shell each time; resolves with what it printed. Rejects where a command fails. */
  run(text: string): Promise<string>;
}

export interface ShellOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

const END = "--- the end of what this block printed ---";

/** One bash, as the reader of a guide has one. What it started in the background ends with it. */
export function openShell({ cwd, env }: ShellOptions): ShellSession {
  const child = spawn("bash", ["--noprofile", "--norc"], {
    cwd,
    env,
    // A process group of its own, so that all of it can be ended.
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
  });
  let printed = "";
  let look = (): void => undefined;
  child.stdout.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
    look();
  });
  // Not "close": what runs in the background holds the pipe.
  const ended = once(child, "exit");
  child.stdin.on("error", () => undefined); // it may be gone; `run` says so
  // Its input closes when this process ends, in whatever way; then the servers it started end as well.
  child.stdin.write("trap 'kill 0' EXIT\nset -eo pipefail\nexec 2>&1\n");
  return {
    async run(text) {
      printed = "";
      const { promise, resolve } = Promise.withResolvers<string>();
      look = () => {
        const end = printed.indexOf(`\n${END}\n`);
        if (end !== -1) resolve(printed.slice(0, end + 1));
      };
      const over = ended.then(() => {
        throw new Error(`The shell ended in:\n${text}\nafter printing:\n${printed}`);
      });
      child.stdin.write(`${text}\nprintf '\\n%s\\n' '${END}'\n`);
      return Promise.race([promise, over]);
    },
    async [Symbol.asyncDispose]() {
      try {
        process.kill(-child.pid!, "SIGKILL");
      } catch {
        // Nobody of the group is left.
      }
      await ended;
    },
  };
}
