// Nodes of a cluster: whole servers on NATS, each in a process of its own, which tests stop and kill.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { processEnvironment } from "../config.ts";
import { temporaryFolder } from "./folder.ts";
import { until } from "./until.ts";

const SERVE = fileURLToPath(new URL("./serve.ts", import.meta.url));

export interface NodeOptions {
  /** The text of its nexus.yaml. */
  readonly config: string;
  /** Of one NATS server, or of several with a comma between them. */
  readonly nats: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface TestNode extends AsyncDisposable {
  readonly url: string;
  /** What it logged, a line each. */
  readonly lines: readonly string[];
  /** Invocations of this function that ended well on this node. */
  runsOf(name: string): number;
  get<T>(path: string): Promise<Answer<T>>;
  post<T>(
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer<T>>;
  /** Asks until the answer satisfies `when`. */
  until<T>(path: string, when: (answer: Answer<T>) => boolean): Promise<Answer<T>>;
  /** How many of its two worker threads run a function now. */
  busy(): Promise<number>;
  /** Every item of a list that comes in pages. */
  all<T>(path: string, key: string): Promise<readonly T[]>;
  /** Ends it as a power cut would, as far as the process is concerned; resolves when it is gone. */
  kill(): Promise<void>;
  /** Ends it in good order; rejects where it does not end well. */
  stop(): Promise<void>;
}

/**
 * Starts a node; resolves when it answers requests. It goes when it is disposed, which rejects where it
 * ended by itself before.
 */
export async function startNode({ config, nats, env = {} }: NodeOptions): Promise<TestNode> {
  const folder = await temporaryFolder();
  const configFile = join(folder.path, "nexus.yaml");
  await writeFile(configFile, config);
  const child = spawn(process.execPath, ["--conditions=nexus-source", SERVE, "log"], {
    env: {
      ...processEnvironment(),
      NATS_URL: nats,
      NEXUS_CONFIG: configFile,
      NEXUS_DATA_DIR: join(folder.path, "data"),
      NEXUS_PORT: "0",
      NEXUS_WORKERS: "2",
      NEXUS_LOG_LEVEL: "debug",
      NEXUS_LOG_FORMAT: "json",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  const lines: string[] = [];
  const runs = new Map<string, number>();
  createInterface(child.stderr).on("line", (line) => {
    lines.push(line);
    const name = succeeded(line);
    if (name !== undefined) runs.set(name, (runs.get(name) ?? 0) + 1);
  });
  const told = await Promise.race([once(child.stdout, "data"), exited.then(() => undefined)]);
  if (told === undefined) throw new Error(`A node did not start:\n${lines.join("\n")}`);
  const url = String(told[0]).trim();
  let ended = false;

  async function get<T>(path: string): Promise<Answer<T>> {
    return answerOf<T>(await fetch(`${url}${path}`));
  }

  return {
    url,
    lines,
    runsOf: (name) => runs.get(name) ?? 0,
    get,
    async post<T>(path: string, body: unknown = {}, headers = {}) {
      const response = await fetch(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      return answerOf<T>(response);
    },
    until: <T>(path: string, when: (answer: Answer<T>) => boolean) =>
      until(() => get<T>(path), when),
    async all<T>(path: string, key: string) {
      const items: T[] = [];
      let cursor: string | undefined;
      do {
        const query = `limit=1000${cursor === undefined ? "" : `&cursor=${cursor}`}`;
        const { body } = await get<Record<string, unknown>>(`${path}?${query}`);
        items.push(...(body[key] as T[]));
        cursor = body["next_cursor"] as string | undefined;
      } while (cursor !== undefined);
      return items;
    },
    async busy() {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(/^nexus_workers_busy (\d+)$/m.exec(text)![1]);
    },
    async kill() {
      ended = true;
      child.kill("SIGKILL");
      await exited;
    },
    async stop() {
      ended = true;
      child.kill("SIGTERM");
      const [code] = (await exited) as [number | null];
      if (code !== 0) throw new Error(`A node ended with ${code}:\n${lines.slice(-20).join("\n")}`);
    },
    async [Symbol.asyncDispose]() {
      const early = !ended && child.exitCode !== null;
      child.kill("SIGKILL");
      await exited;
      await folder[Symbol.asyncDispose]();
      if (early) throw new Error(`A node ended by itself:\n${lines.slice(-20).join("\n")}`);
    },
  };
}

async function answerOf<T>(response: Response): Promise<Answer<T>> {
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as T,
  };
}

/** The function that a line of the log says to have run. */
function succeeded(line: string): string | undefined {
  if (!line.includes('"Invocation succeeded"')) return undefined;
  return /"function":"([^"]+)"/.exec(line)?.[1];
}
