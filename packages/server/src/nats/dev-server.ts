import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { lockDirectory } from "../core/directory-lock.ts";
import { findNatsServer, type WhereToLook } from "./find-server.ts";
import { endLeftBehind } from "./left-behind.ts";
import { startNatsServer, type NatsServerProcess } from "./server-process.ts";

export interface DevNats {
  readonly url: string;
  readonly version: string;
  readonly program: string;
  readonly pid: number;
  /** Resolves when the server has ended, in whatever way; `why` is for people. */
  readonly ended: Promise<{ readonly why: string }>;
  /** Stops the server and gives the data directory free. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * A nats-server of this machine with its store in the data directory, on a free port of loopback, for
 * as long as this process lives. Rejects with NATS_SERVER_UNUSABLE, NATS_UNSUPPORTED, or DATA_DIR_LOCKED
 * where another process has one in this directory.
 */
export async function startDevNats(
  { dataDir, where }: { readonly dataDir: string; readonly where: WhereToLook },
  signal?: AbortSignal,
): Promise<DevNats> {
  const program = await findNatsServer(where);
  const dir = resolve(join(dataDir, "nats"));
  await mkdir(dir, { recursive: true });
  const lock = lockDirectory(dir);
  let stopped: Promise<void> | undefined;
  try {
    await endLeftBehind(dir);
    const server = await startNatsServer({ program, dir }, signal);
    return {
      url: server.url,
      version: program.version,
      program: program.path,
      pid: server.pid,
      ended: server.ended,
      stop: () => (stopped ??= stop(server)),
    };
  } catch (error) {
    lock.release();
    throw error;
  }

  async function stop(server: NatsServerProcess): Promise<void> {
    await server.stop();
    lock.release();
  }
}
