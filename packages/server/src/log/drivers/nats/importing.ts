import { StorageType } from "@nats-io/jetstream";
import { NexusError } from "../../../core/errors.ts";
import { isNotFound } from "../../../core/jetstream.ts";
import { withJetStream } from "./answers.ts";
import type { NatsStore } from "./store.ts";
import { decodeJson, encodeJson } from "./wire.ts";

/** The import that a log comes from. */
export interface ImportMark {
  readonly archive: string;
  readonly done: boolean;
  /** The last position of what was imported. */
  readonly last: number;
  /** The largest revision of a value of the log it comes from. */
  readonly revision?: number;
}

/** Undefined: nothing was ever imported here. LOG_UNAVAILABLE. */
export async function importMark({ manager, layout }: NatsStore): Promise<ImportMark | undefined> {
  return withJetStream("look for an import", async () => {
    try {
      const found = await manager.streams.getMessage(layout.imports, {
        last_by_subj: layout.import,
      });
      return found === null ? undefined : decodeJson<ImportMark>(found.data);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  });
}

export async function keepImportMark(store: NatsStore, mark: ImportMark): Promise<void> {
  const { manager, layout, replicas, channel } = store;
  await withJetStream(`set up the stream ${layout.imports}`, () =>
    manager.streams.add({
      name: layout.imports,
      subjects: [layout.import],
      storage: StorageType.File,
      num_replicas: replicas,
      max_msgs_per_subject: 1,
    }),
  );
  await channel.publish(layout.import, encodeJson(mark));
}

/**
 * IMPORT_UNFINISHED where an import was cut off: what is there is a part of a log. Resolves with what was
 * imported, if anything was.
 */
export async function refuseUnfinished(store: NatsStore): Promise<ImportMark | undefined> {
  const mark = await importMark(store);
  if (mark?.done !== false) return mark;
  throw new NexusError(
    "IMPORT_UNFINISHED",
    `Cannot open the event log "${store.layout.prefix}" in NATS: an import into it was cut off`,
  );
}
