import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { type Database, open } from "lmdb";
import { NexusError } from "../../../core/errors.ts";

export type Table = Database<Buffer, Buffer>;

/** Each table's keys and values; names in keys are numbers of the catalogue (catalogue.ts). */
export const TABLES = {
  /** `format` → number; `state` → counters; `revision` → the last one of a value. */
  meta: "meta",
  /** kind, name → number, name. */
  names: "names",
  /** position → event. */
  events: "events",
  /** event id, source → position. */
  identities: "identities",
  /** type, position → positions before it (positions.ts). */
  byType: "by-type",
  /** source, position → positions before it. */
  bySource: "by-source",
  /** function, position → positions before it: events addressed to it. */
  byTarget: "by-target",
  /** function → how far its consumer has come. */
  cursors: "cursors",
  /** function, position → nothing: settled before the consumer came that far (claims). */
  ahead: "ahead",
  /** function, position → attempt and due time of a delivery that waits to be tried again. */
  pending: "pending",
  /** function, due time, position → nothing. */
  due: "due",
  /** position, function, reason → nothing: why retention must not remove an event. */
  holds: "holds",
  /** invocation id → function, status, position, record. */
  invocations: "invocations",
  /** invocation id → its recording, where it has one. */
  recordings: "recordings",
  /** function, status, invocation id → nothing. */
  invocationsByFunction: "invocations-by-function",
  /** status other than `succeeded`, invocation id → nothing. */
  invocationsByStatus: "invocations-by-status",
  /** position, invocation id → nothing. */
  invocationsByEvent: "invocations-by-event",
  /** dead letter id → dead letter. */
  deadLetters: "dead-letters",
  /** function, dead letter id → nothing. */
  deadLettersByFunction: "dead-letters-by-function",
  /** namespace, key → revision, when it is over, value. */
  values: "values",
  /** when it is over, namespace, key → nothing. */
  valueExpiries: "value-expiries",
} as const;

/** A key that is never there. */
const NOTHING = Buffer.from("nothing");

/**
 * Of what this file's tables hold. A newer store is refused, never guessed at. Format 1 had an entry of
 * its own for each position of an index; in format 2 no record had a recording. Both are read as they
 * are. An older version would remove records and leave their recordings behind for ever.
 */
export const FORMAT = 3;

/** Whether this version reads a store of the format. */
export function isReadable(format: number | undefined): boolean {
  return format !== undefined && format >= 1 && format <= FORMAT;
}

/** The LMDB environment with its tables. Reads are synchronous; writes go through the committer alone. */
export type Store = { readonly [T in keyof typeof TABLES]: Table } & {
  /**
   * Writes what `write` puts and removes as one transaction; resolves after fdatasync. LOG_FULL,
   * LOG_UNAVAILABLE.
   */
  transact(write: () => void): Promise<void>;
  /** Bytes of the file. */
  size(): Promise<number>;
  close(): Promise<void>;
};

/** DATA_DIR_UNUSABLE where the file cannot be opened, is no store, or is one of a newer version. */
export function openStore(dir: string): Store {
  const path = join(dir, "events.mdb");
  try {
    checkFile(path);
    const root = open<Buffer, Buffer>({
      path,
      noSubdir: true,
      maxDbs: 32,
      encoding: "binary",
      keyEncoding: "binary",
      // The promise of a write then resolves after fdatasync. With `true` it resolves before.
      overlappingSync: false,
      // With `true` a failed commit rejects a promise inside lmdb that nobody can get hold of.
      eventTurnBatching: false,
    });
    const tables = Object.fromEntries(
      Object.entries(TABLES).map(([table, name]) => [
        table,
        root.openDB<Buffer, Buffer>(name, { encoding: "binary", keyEncoding: "binary" }),
      ]),
    ) as { [T in keyof typeof TABLES]: Table };
    checkFormat(tables.meta, path);
    return {
      ...tables,
      async transact(write) {
        try {
          // Without a write before it, lmdb would begin this one in the next turn of the event loop. Both
          // have the promise of one commit, so that this one's is no news.
          root.remove(NOTHING).catch(() => undefined);
          await root.batch(write);
        } catch (error) {
          throw await toLogError("write to", error, dir);
        }
      },
      size: async () => (await stat(path)).size,
      close: () => root.close(),
    };
  } catch (error) {
    if (error instanceof NexusError) throw error;
    throw new NexusError(
      "DATA_DIR_UNUSABLE",
      `Cannot open event log "${path}": ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** LMDB's mark, behind the first page's header. Opening a file without it ends the process (lmdb 3.5). */
const MAGIC = 0xbeefc0de;
const MAGIC_AT = 24;

/** DATA_DIR_UNUSABLE where a file is there and is no store. */
export function checkFile(path: string, flags: "r" | "r+" = "r+"): void {
  if (!existsSync(path)) return;
  const head = Buffer.alloc(32);
  const file = openSync(path, flags);
  try {
    const bytes = readSync(file, head, 0, head.length, 0);
    if (bytes === 0 || head.readUInt32LE(MAGIC_AT) === MAGIC) return;
  } finally {
    closeSync(file);
  }
  throw new NexusError(
    "DATA_DIR_UNUSABLE",
    `Cannot open event log "${path}": it is not an event log, or its beginning is damaged`,
  );
}

function checkFormat(meta: Table, path: string): void {
  const key = Buffer.from("format");
  const found = meta.get(key)?.[0];
  if (found !== undefined && !isReadable(found)) {
    throw new NexusError(
      "DATA_DIR_UNUSABLE",
      `Cannot open event log "${path}": it has format ${found}, and this version reads format ${FORMAT} (use a newer version)`,
    );
  }
  if (found !== FORMAT) meta.putSync(key, Buffer.from([FORMAT]));
}

const EIO = 5;
const FULL: ReadonlySet<number> = new Set([
  28, // ENOSPC
  122, // EDQUOT
  27, // EFBIG
  -30_792, // MDB_MAP_FULL
]);
// LMDB calls a write that was cut short an input/output error. With less room than this it was the disk.
const ROOM = 4 * 1024 * 1024;

/**
 * What the store's error means to a caller: LOG_FULL or LOG_UNAVAILABLE. What is no error of the store
 * is a bug, and thrown as it is.
 */
export async function toLogError(action: string, error: unknown, dir: string): Promise<NexusError> {
  // lmdb rejects with a general error; the real one is a promise inside it that rejects.
  const inner: unknown = (error as { commitError?: unknown }).commitError;
  const cause = inner instanceof Promise ? await inner.catch((reason: unknown) => reason) : error;
  const code: unknown = (cause as { code?: unknown }).code;
  if (typeof code !== "number") throw error;
  const full = FULL.has(code) || (code === EIO && (await roomIn(dir)) < ROOM);
  return new NexusError(
    full ? "LOG_FULL" : "LOG_UNAVAILABLE",
    `Cannot ${action} the event log: ${full ? "no room left on the disk" : messageOf(cause)}`,
    { cause },
  );
}

async function roomIn(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
