// The command as users run it: a process of its own, from bin/nexus.js.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const BIN = fileURLToPath(new URL("../../bin/nexus.js", import.meta.url));
export const FIXTURES = fileURLToPath(new URL("../../../server/fixtures/", import.meta.url));

// Below the tests' own limit, so that what they started is stopped, and they say what they waited for.
const PATIENCE_MS = 40_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs `nexus <args>` to its end. */
export async function nexus(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = start(args, options);
  child.stdin.end(options.input ?? "");
  return ended(child);
}

/** Starts `nexus <args>`; its output so far is in `text`. */
export function startNexus(args: readonly string[], options: RunOptions = {}): RunningNexus {
  const child = start(args, options);
  const all = { text: "" };
  const waiting = new Set<() => void>();
  const take = (chunk: Buffer): void => {
    all.text += chunk.toString();
    for (const check of waiting) check();
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const end = ended(child);
  return {
    get text() {
      return all.text;
    },
    child,
    async shows(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const timer = setTimeout(() => {
        reject(new Error(`nexus has not shown ${pattern} in ${PATIENCE_MS} ms:\n${all.text}`));
      }, PATIENCE_MS);
      const check = (): void => {
        const match = pattern.exec(all.text);
        if (match !== null) resolve(match);
      };
      waiting.add(check);
      check();
      const over = end.then(({ code }) => {
        throw new Error(`nexus ended with ${code} and never showed ${pattern}:\n${all.text}`);
      });
      try {
        return await Promise.race([promise, over]);
      } finally {
        clearTimeout(timer);
        waiting.delete(check);
      }
    },
    ended: () => end,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await end;
    },
  };
}

export interface RunningNexus extends AsyncDisposable {
  /** stdout and stderr, as they came. */
  readonly text: string;
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when the output so far matches; rejects when the process ends before, or after 40 s. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
  ended(): Promise<Ended>;
}

function start(args: readonly string[], { cwd, env }: RunOptions): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [BIN, ...args], {
    cwd: cwd ?? tmpdir(),
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env },
  });
}

async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on("error", () => undefined); // it may end before it has read all
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

export interface Folder extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "nexus-cli-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
