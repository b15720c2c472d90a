import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { NexusError } from "../core/errors.ts";
import type { NatsProgram } from "./find-server.ts";
import {
  configFileOf,
  natsServerConfig,
  portsDir,
  type NatsServerSettings,
} from "./server-config.ts";

export interface NatsServerOptions extends Omit<NatsServerSettings, "version"> {
  readonly program: NatsProgram;
  /** How long it may take to answer: what it has in store is read first. */
  readonly startMs?: number;
}

/** A nats-server that runs as a child of this process. */
export interface NatsServerProcess {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly version: string;
  /** Its configuration file. */
  readonly configFile: string;
  /** Of its monitoring, where that was asked for. */
  readonly monitoringUrl?: string;
  /** Resolves when it has ended, in whatever way; `why` is for people. */
  readonly ended: Promise<{ readonly why: string }>;
  /** Sends a signal. Nothing happens where it has ended. */
  signal(name: NodeJS.Signals): void;
  /** Has it write what it must and end; resolves when it has. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Runs "$0" "$@" in place of this shell, and beside it a reader of descriptor 3, whose other end this
 * process holds: it closes when this process ends, in whatever way, and the server is ended then. A line
 * comes first where the server ended before. (No handler of ours runs when we are killed.)
 */
const TIED =
  '{ read -r _ || { kill -TERM $$; kill -CONT $$; }; } <&3 >/dev/null 2>&1 & exec "$0" "$@" 3<&-';

const START_MS = 60_000;
const POLL_MS = 5;
const KEPT_LINES = 20;

/**
 * Starts a nats-server on loopback; resolves when it takes connections. Rejects with
 * NATS_SERVER_UNUSABLE, which carries its last words, where it ends before that or takes too long, and
 * with the signal's reason when that aborts; then it does not run any more.
 */
export async function startNatsServer(
  options: NatsServerOptions,
  signal?: AbortSignal,
): Promise<NatsServerProcess> {
  const { program, dir, startMs = START_MS } = options;
  signal?.throwIfAborted();
  const configFile = configFileOf(dir);
  // The file of one that was killed is still there, and would pass for the new one's.
  await rm(portsDir(dir), { recursive: true, force: true });
  await mkdir(portsDir(dir), { recursive: true });
  await writeFile(configFile, natsServerConfig({ ...options, version: program.version }));

  // Ctrl-C in a terminal goes to the whole process group. It must not end NATS before what uses it.
  const child = spawn("/bin/sh", ["-c", TIED, program.path, "-c", configFile], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  const lastWords = keepLastLines(child);
  const ended = endOf(child);
  const patience = AbortSignal.timeout(startMs);
  const settled = new AbortController();
  const enough = [settled.signal, patience, ...(signal === undefined ? [] : [signal])];
  try {
    const ports = await Promise.race([
      portsOf(dir, AbortSignal.any(enough)),
      ended.then(({ why }) => {
        throw unusable(`${why}${lastWords()}`);
      }),
    ]);
    return {
      url: `nats://127.0.0.1:${ports.port}`,
      ...ports,
      pid: child.pid!,
      version: program.version,
      configFile,
      ended: ended.then(({ why }) => ({ why: `${why}${lastWords()}` })),
      signal: (name) => void child.kill(name),
      async stop() {
        child.kill("SIGTERM");
        await ended;
      },
    };
  } catch (error) {
    child.kill("SIGKILL");
    await ended;
    signal?.throwIfAborted();
    if (!patience.aborted) throw error;
    throw unusable(`it does not take connections after ${startMs} ms${lastWords()}`);
  } finally {
    settled.abort();
  }

  function unusable(how: string): NexusError {
    return new NexusError(
      "NATS_SERVER_UNUSABLE",
      `Cannot start NATS: "${program.path}" with "${configFile}": ${how}`,
    );
  }
}

async function endOf(child: ChildProcess): Promise<{ readonly why: string }> {
  const tie = child.stdio[3] as Writable;
  tie.on("error", () => undefined); // its reader may be gone first
  child.once("exit", () => tie.end("\n"));
  try {
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    return { why: signal === null ? `it ended with code ${code}` : `it was ended by ${signal}` };
  } catch (error) {
    return { why: (error as Error).message };
  }
}

/** The file of ports is written when the server takes connections, JetStream included. */
async function portsOf(
  dir: string,
  signal: AbortSignal,
): Promise<{ readonly port: number; readonly monitoringUrl?: string }> {
  for (;;) {
    for (const name of await readdir(portsDir(dir))) {
      const ports = await readPorts(join(portsDir(dir), name));
      const client = ports?.nats?.[0] ?? ports?.tls?.[0];
      if (client === undefined) continue;
      const monitoringUrl = ports?.monitoring?.[0];
      return {
        port: Number(new URL(client).port),
        ...(monitoringUrl === undefined ? {} : { monitoringUrl }),
      };
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

interface Ports {
  readonly nats?: readonly string[];
  readonly tls?: readonly string[];
  readonly monitoring?: readonly string[];
}

async function readPorts(file: string): Promise<Ports | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Ports;
  } catch {
    return undefined; // half written; or gone, where it ends right now
  }
}

/** What it logged last, each line without process id and time, to stand behind a sentence. */
function keepLastLines(child: ChildProcess): () => string {
  const lines: string[] = [];
  if (child.stderr !== null) {
    createInterface(child.stderr).on("line", (line) => {
      lines.push(line.replace(/^\[\d+\] \S+ \S+ /, ""));
      if (lines.length > KEPT_LINES) lines.shift();
    });
  }
  return () => {
    const telling = lines.filter((line) => !line.startsWith("[INF]"));
    return telling.map((line) => `\n${line}`).join("");
  };
}
