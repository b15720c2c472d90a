// Servers under measurement, each in a process of its own, and disposed of with `await using`.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const STOP_MS = 10_000;

export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** From spawn to the line that said it was ready. */
  readonly startMs: number;
}

export interface Project {
  /** nexus.yaml, in which `{root}` stands for this repository. */
  readonly config: string;
  /** What the server is told beside that. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The bare limit: a node:http handler that reads the body and answers a little JSON. */
export function bareServer(): Promise<Server> {
  return nodeServer(join(ROOT, "bench/bare.ts"));
}

/** A script that prints `listening on <url>`. */
export function nodeServer(script: string): Promise<Server> {
  return startServer({
    command: process.execPath,
    args: ["--disable-warning=ExperimentalWarning", script],
    urlIn: (line) => /listening on (http:\S+)/.exec(line)?.[1],
  });
}

/** `nexus start` as users run it: built, on the embedded store with fsync unless told else, in a folder of its own. */
export function nexusServer(project: Project): Promise<Server> {
  const dir = mkdtempSync(join(tmpdir(), "nexus-bench-"));
  const config = join(dir, "nexus.yaml");
  writeFileSync(config, project.config.replaceAll("{root}", ROOT));
  const env = {
    NEXUS_HOST: "127.0.0.1",
    NEXUS_PORT: "0",
    NEXUS_CONFIG: config,
    NEXUS_DATA_DIR: join(dir, "data"),
    NEXUS_LOG_LEVEL: "info",
    ...project.env,
  };
  return startServer({
    command: process.execPath,
    args: [join(ROOT, "packages/cli/bin/nexus.js"), "start"],
    env,
    urlIn: (line) => /"url":"(http:[^"]+)"/.exec(line)?.[1],
    cleanUp: () => rmSync(dir, { recursive: true, force: true }),
  });
}

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The server's address, where this line of its output tells that it is ready. */
  readonly urlIn: (line: string) => string | undefined;
  readonly cleanUp?: () => void;
}

export async function startServer(server: ServerCommand): Promise<Server> {
  const { command, args, env = {}, urlIn, cleanUp } = server;
  const begun = performance.now();
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await readyLine(child, urlIn);
  const startMs = performance.now() - begun;
  return {
    url,
    pid: child.pid!,
    startMs,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) {
        const gone = once(child, "exit");
        child.kill("SIGTERM");
        // A server whose main thread is held up for ever must not hold up the bench.
        const late = setTimeout(() => {
          console.error(`a server did not end within ${STOP_MS} ms of SIGTERM, and was killed`);
          child.kill("SIGKILL");
        }, STOP_MS);
        await gone;
        clearTimeout(late);
      }
      cleanUp?.();
    },
  };
}

// By events: leaving a `for await` would close the pipe, and the server ends when nobody can read it.
function readyLine(child: ChildProcess, urlIn: ServerCommand["urlIn"]): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! })
      .on("line", (line) => {
        const url = urlIn(line);
        if (url !== undefined) resolve(url);
      })
      .on("close", () =>
        reject(new Error(`Cannot start a server to measure: it ended with ${child.exitCode}`)),
      );
  });
}

/** Resident memory of a process, in bytes (Linux). */
export function residentBytes(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) * 1024;
}
