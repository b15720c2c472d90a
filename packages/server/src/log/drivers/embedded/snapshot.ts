import { existsSync } from "node:fs";
import { join } from "node:path";
import { open, type Transaction } from "lmdb";
import { NexusError } from "../../../core/errors.ts";
import { checkFile, FORMAT, isReadable, messageOf, TABLES, type Table } from "./store.ts";

/** One moment of a store, whatever is written to it meanwhile. */
export interface Snapshot {
  get(table: keyof typeof TABLES, key: Buffer): Buffer | undefined;
  /** In order of key, from `start` on. */
  range(table: keyof typeof TABLES, start?: Buffer): Iterable<{ key: Buffer; value: Buffer }>;
  close(): Promise<void>;
}

/**
 * Reads a store without its lock: LMDB gives each reader the state of one commit, in other processes too.
 * As long as a snapshot is open the pages that it sees are not used again, and the file grows by what is
 * written. DATA_DIR_UNUSABLE where there is no store, or one of another format.
 */
export function openSnapshot(dir: string): Snapshot {
  const path = join(dir, "events.mdb");
  const unusable = (how: string, cause?: unknown): NexusError =>
    new NexusError("DATA_DIR_UNUSABLE", `Cannot read event log "${path}": ${how}`, { cause });
  if (!existsSync(path)) throw unusable("there is none");
  try {
    checkFile(path, "r");
    const encoding = { encoding: "binary", keyEncoding: "binary" } as const;
    const root = open<Buffer, Buffer>({
      path,
      noSubdir: true,
      maxDbs: 32,
      readOnly: true,
      ...encoding,
    });
    const tables = new Map<string, Table>();
    for (const [table, name] of Object.entries(TABLES)) {
      // Undefined where it was never made, whatever its type says.
      const opened: Table | undefined = root.openDB<Buffer, Buffer>(name, encoding);
      if (opened !== undefined) tables.set(table, opened);
    }
    const transaction = root.useReadTransaction();
    const format = tables.get("meta")?.get(Buffer.from("format"), { transaction })?.[0];
    if (!isReadable(format)) {
      transaction.done();
      void root.close();
      throw unusable(`it has format ${format ?? "none"}, and this version reads format ${FORMAT}`);
    }
    return snapshotOf(tables, transaction, () => root.close());
  } catch (error) {
    if (error instanceof NexusError) throw error;
    throw unusable(messageOf(error), error);
  }
}

function snapshotOf(
  tables: ReadonlyMap<string, Table>,
  transaction: Transaction,
  close: () => Promise<void>,
): Snapshot {
  return {
    get: (table, key) => tables.get(table)?.get(key, { transaction }),
    range: (table, start) =>
      tables.get(table)?.getRange({ transaction, ...(start === undefined ? {} : { start }) }) ?? [],
    close() {
      transaction.done();
      return close();
    },
  };
}
