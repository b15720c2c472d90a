import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { NexusError } from "./errors.ts";

/**
 * Makes this process the only one on the data directory until `release`, or until it dies in whatever way.
 *
 * The lock is the operating system's, held by an open descriptor: the kernel drops it with the process,
 * so there is nothing stale to recognise, and process ids, which containers repeat, decide nothing.
 * Node has no call for such a lock, but SQLite (part of Node) takes one for an exclusive transaction;
 * the database stays empty. Rejected: a file with a process id (repeats after a restart in a
 * container), a socket in the directory (two servers can both find it stale and both replace it), an
 * abstract socket (each container has its own).
 */
export function lockDirectory(dir: string): { release(): void } {
  const owner = join(dir, "server.pid");
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dir, { recursive: true });
    database = new DatabaseSync(join(dir, "server.lock"), { timeout: 0 });
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    writeFileSync(owner, `${process.pid}\n`);
    const held = database;
    return { release: () => held.close() };
  } catch (error) {
    database?.close();
    if ((error as { errcode?: unknown }).errcode === SQLITE_BUSY) {
      throw new NexusError(
        "DATA_DIR_LOCKED",
        `Cannot use data directory "${dir}": the server with process id ${readOwner(owner)} uses it`,
        { cause: error },
      );
    }
    throw new NexusError(
      "DATA_DIR_UNUSABLE",
      `Cannot use data directory "${dir}": ${(error as Error).message}`,
      { cause: error },
    );
  }
}

const SQLITE_BUSY = 5;

function readOwner(path: string): string {
  try {
    return readFileSync(path, "utf8").trim() || "unknown";
  } catch {
    return "unknown";
  }
}
