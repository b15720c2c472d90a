// A real server for tests: real store in a temporary folder, real threads, a real socket.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readConfig, type ConfigOverrides } from "../config.ts";
import type { DeadLetter, Invocation } from "../core/invocation.ts";
import { startServer, type RunningServer } from "../server.ts";

export const FIXTURES = fileURLToPath(new URL("../../fixtures/", import.meta.url));

/** A function that runs fixtures/probe.c; `yaml` holds further keys, one a line. */
export interface Probe {
  readonly name: string;
  readonly on: string;
  readonly yaml?: string;
}

export function probes(...functions: readonly Probe[]): string {
  const entries = functions.map(({ name, on, yaml = "" }) => {
    const more = yaml
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .map((line) => `    ${line}\n`)
      .join("");
    return `  - name: ${name}\n    on: ${on}\n    code: ${FIXTURES}probe.wasm\n${more}`;
  });
  return `version: v1\nfunctions:\n${entries.join("")}`;
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly dir: string;
  readonly configFile: string;
  readonly running: RunningServer;
  /** What the server logged, a line each. */
  readonly lines: readonly string[];
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<{ readonly status: number; readonly body: T }>;
  /** Asks until the answer satisfies `when`; the test's own time limit ends a wait in vain. */
  until<T>(path: string, when: (answer: T) => boolean): Promise<T>;
  /** Stops, and starts again on the same data. */
  restart(config?: string, changed?: ConfigOverrides): Promise<TestServer>;
}

export interface Records {
  readonly invocations: readonly Invocation[];
}

export interface DeadLetters {
  readonly dead_letters: readonly DeadLetter[];
}

/** Starts a server on `config`, the text of a nexus.yaml. Its folder goes when it is disposed. */
export async function testServer(
  config: string,
  overrides: ConfigOverrides = {},
): Promise<TestServer> {
  const dir = await mkdtemp(join(tmpdir(), "nexus-test-"));
  return startIn(dir, config, overrides);
}

async function startIn(
  dir: string,
  config: string,
  overrides: ConfigOverrides,
): Promise<TestServer> {
  const configFile = join(dir, "nexus.yaml");
  await writeFile(configFile, config);
  const settings = readConfig(
    {},
    {
      configFile,
      dataDir: join(dir, "data"),
      port: 0,
      workers: 2,
      logLevel: "debug",
      ...overrides,
    },
    () => true,
  );
  const lines: string[] = [];
  const running = await startServer(settings, {
    write: (line) => lines.push(line),
    colour: false,
  });
  let keep = false;

  async function get<T>(path: string): Promise<T> {
    const response = await fetch(`${running.url}${path}`);
    return (await response.json()) as T;
  }

  return {
    url: running.url,
    dir,
    configFile,
    running,
    lines,
    get,
    async post<T>(path: string, body: unknown = {}) {
      const response = await fetch(`${running.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as T };
    },
    async until<T>(path: string, when: (answer: T) => boolean): Promise<T> {
      for (;;) {
        const answer = await get<T>(path);
        if (when(answer)) return answer;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async restart(next = config, changed = {}) {
      keep = true;
      await running.close();
      return startIn(dir, next, { ...overrides, ...changed });
    },
    async [Symbol.asyncDispose]() {
      await running.close();
      if (!keep) await rm(dir, { recursive: true, force: true });
    },
  };
}
