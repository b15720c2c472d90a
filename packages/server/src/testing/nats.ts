// Real nats-servers for tests, each with a store of its own in a temporary folder.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { natsServerPlace, processEnvironment } from "../config.ts";
import { NexusError } from "../core/errors.ts";
import { findNatsServer, type NatsProgram } from "../nats/find-server.ts";
import type { NatsServerSettings } from "../nats/server-config.ts";
import { startNatsServer, type NatsServerProcess } from "../nats/server-process.ts";
import { quietPorts } from "./ports.ts";

export type TestNatsOptions = Partial<Omit<NatsServerSettings, "version">> & {
  /** Absent: the nats-server of this machine. */
  readonly program?: NatsProgram;
  readonly startMs?: number;
};

export interface TestNats extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now. */
  readonly pid: number;
  readonly version: string;
  /** Its configuration file. */
  readonly config: string;
  /** Of its monitoring, where `monitoring` was asked for. */
  readonly monitoringUrl: string | undefined;
  /** Ends it as a power cut would, as far as the process is concerned; resolves when it is gone. */
  kill(): Promise<void>;
  /** Ends it in good order. */
  stop(): Promise<void>;
  /** Starts it again, on the same port and the same store; stops it first where it runs. */
  restart(): Promise<void>;
  /** Stops its process in the middle of whatever it does, as if the machine hung, until `resume`. */
  pause(): void;
  resume(): void;
}

/**
 * The nats-server that tests run: NEXUS_NATS_SERVER, else the one on PATH or in /usr/sbin. Rejects where there is
 * none, saying how to get one: tests against NATS are never skipped.
 */
export function natsForTests(): Promise<NatsProgram> {
  return findNatsServer(natsServerPlace(processEnvironment()));
}

const PORT_TRIES = 3;

/** Starts a nats-server with JetStream; resolves when it takes connections. It and its store go when it is disposed. */
export async function startNats(options: TestNatsOptions = {}): Promise<TestNats> {
  const program = options.program ?? (await natsForTests());
  const folder = options.dir ?? (await mkdtemp(join(tmpdir(), "nexus-nats-")));
  let server = await first();
  const { port } = server;
  let running = true;

  return {
    url: server.url,
    port,
    version: program.version,
    config: server.configFile,
    get pid() {
      return server.pid;
    },
    get monitoringUrl() {
      return server.monitoringUrl;
    },
    async kill() {
      running = false;
      server.signal("SIGKILL");
      await server.ended;
    },
    stop,
    async restart() {
      if (running) await stop();
      server = await startNatsServer({ ...options, program, dir: folder, port });
      running = true;
    },
    pause: () => server.signal("SIGSTOP"),
    resume: () => server.signal("SIGCONT"),
    async [Symbol.asyncDispose]() {
      server.signal("SIGKILL");
      await server.ended;
      if (options.dir === undefined) await rm(folder, { recursive: true, force: true });
    },
  };

  async function stop(): Promise<void> {
    running = false;
    await server.stop();
  }

  // Between the choice of a port and its use, another test may take it.
  async function first(): Promise<NatsServerProcess> {
    for (let tries = 1; ; tries++) {
      const port = options.port ?? (await quietPorts(1))[0]!;
      try {
        return await startNatsServer({ ...options, program, dir: folder, port });
      } catch (error) {
        const taken = error instanceof NexusError && /already in use/.test(error.message);
        if (!taken || options.port !== undefined || tries === PORT_TRIES) throw error;
      }
    }
  }
}
