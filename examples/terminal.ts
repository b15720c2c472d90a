// A terminal of 80 columns, as whoever reads docs/getting-started.md has one.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { stripVTControlCharacters } from "node:util";

export interface TerminalOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface Session extends AsyncDisposable {
  /** Resolves when what it has printed so far satisfies the check; rejects after 30 s, or at its end. */
  shows(check: (text: string) => boolean): Promise<string>;
  /** Its exit code, and all it has printed. */
  ended(): Promise<{ readonly code: number | null; readonly text: string }>;
}

const ESCAPE = "\u001b";
const WRITTEN_OVER = new RegExp(`[^\\n]*\\r${ESCAPE}\\[2K`, "g");

const PATIENCE_MS = 30_000;

/** Whether this machine has util-linux's `script`, which makes the terminal. */
export function hasTerminal(): boolean {
  return /util-linux/.test(spawnSync("script", ["--version"], { encoding: "utf8" }).stdout ?? "");
}

export function openTerminal(command: string, { cwd, env }: TerminalOptions): Session {
  const child = spawn("script", ["-qec", `stty cols 80 rows 40\n${command}`, "/dev/null"], {
    cwd,
    env: { ...env, NO_COLOR: "1", SHELL: "/bin/sh" },
  });
  let raw = "";
  const waiting = new Set<() => void>();
  child.stdout.on("data", (chunk: Buffer) => {
    raw += chunk.toString();
    for (const look of waiting) look();
  });
  const end = once(child, "close").then(([code]) => ({
    code: code as number | null,
    text: plain(raw),
  }));
  return {
    async shows(check) {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const look = (): void => {
        if (check(plain(raw))) resolve(plain(raw));
      };
      const timer = setTimeout(
        () => reject(new Error(`"${command}" has shown after ${PATIENCE_MS} ms:\n${plain(raw)}`)),
        PATIENCE_MS,
      );
      waiting.add(look);
      look();
      const over = end.then(({ text }) => {
        throw new Error(`"${command}" ended with:\n${text}`);
      });
      try {
        return await Promise.race([promise, over]);
      } finally {
        clearTimeout(timer);
        waiting.delete(look);
      }
    },
    ended: () => end,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) child.stdin.write("\u0003"); // Ctrl-C
      await end;
    },
  };
}

/** What stands on the screen, without colours; progress lines are written over. */
function plain(raw: string): string {
  return stripVTControlCharacters(raw.replaceAll(WRITTEN_OVER, "")).replaceAll("\r", "");
}
