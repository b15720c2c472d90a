import { jetstreamManager, StorageType } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { type ObjectStore, Objm, setSha256Backend } from "@nats-io/obj";
import type { NatsConnection } from "@nats-io/transport-node";
import { withCopies } from "../../../core/jetstream.ts";

export interface Buckets {
  /** Of the key-value bucket. */
  readonly versions: string;
  /** Of the object store. */
  readonly modules: string;
  /** Absent: as they have; else 3 in a cluster that has room for them, and 1. */
  readonly replicas: number | undefined;
}

/** What was deployed lately, for who looks with NATS's own tools. */
const HISTORY = 10;

/** Makes the buckets that are missing, and brings those that are there to the replicas asked for. */
export async function openBuckets(
  connection: NatsConnection,
  { versions, modules, replicas }: Buckets,
): Promise<readonly [KV, ObjectStore]> {
  // The client's default is written in JavaScript, and would hold up this thread for every large module.
  setSha256Backend("native");
  const clustered = connection.info?.cluster !== undefined;
  return withCopies({ asked: replicas, clustered }, async (copies) => {
    const opened = await Promise.all([
      // Read from the leader: an answer that lags behind would be taken for what the cluster serves.
      new Kvm(connection).create(versions, {
        history: HISTORY,
        replicas: copies,
        allow_direct: false,
      }),
      new Objm(connection).create(modules, { replicas: copies, storage: StorageType.File }),
    ]);
    if (replicas !== undefined) {
      for (const name of [`KV_${versions}`, `OBJ_${modules}`]) {
        await copy(connection, name, replicas);
      }
    }
    return opened;
  });
}

async function copy(connection: NatsConnection, stream: string, replicas: number): Promise<void> {
  const { streams } = await jetstreamManager(connection);
  const { config } = await streams.info(stream);
  if (config.num_replicas === replicas) return;
  await streams.update(stream, { ...config, num_replicas: replicas });
}
