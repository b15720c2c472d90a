import {
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { isNotFound, withCopies } from "../../../core/jetstream.ts";
import { withJetStream } from "./answers.ts";
import type { Layout } from "./layout.ts";
import type { NatsStore } from "./store.ts";

export interface StreamSettings {
  /** Absent: as many as the streams have that are there; else as the cluster has room for. */
  readonly replicas: number | undefined;
  /** How long a node may be silent before another takes over its ordered functions, in milliseconds. */
  readonly leaseMs: number;
}

type Wanted = Partial<StreamConfig> & Pick<StreamConfig, "name" | "subjects">;

/**
 * Makes the streams that are missing, and changes those that stand otherwise. Resolves with the number
 * of copies of each. LOG_UNAVAILABLE.
 */
export async function ensureStreams(
  { manager, layout, channel }: NatsStore,
  settings: StreamSettings,
): Promise<number> {
  const found = await withJetStream("look at the streams", () => infoOf(manager, layout.events));
  const copies = {
    asked: settings.replicas,
    found: found?.num_replicas,
    clustered: channel.server.cluster !== undefined,
  };
  return withCopies(copies, async (replicas) => {
    await ensureAll(manager, streamsOf(layout, { ...settings, replicas }));
    return replicas;
  });
}

async function ensureAll(manager: JetStreamManager, all: readonly Wanted[]): Promise<void> {
  for (const wanted of all) {
    await withJetStream(`set up the stream ${wanted.name}`, () => ensureStream(manager, wanted));
  }
}

function streamsOf(
  layout: Layout,
  { replicas, leaseMs }: { readonly replicas: number; readonly leaseMs: number },
): Wanted[] {
  const { prefix } = layout;
  const common = {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // What does not fit is refused: nothing that was acknowledged may go to make room.
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    allow_direct: true,
  };
  const latest = { max_msgs_per_subject: 1, discard: DiscardPolicy.Old };
  return [
    { ...common, name: layout.events, subjects: [`${prefix}.ev.>`] },
    { ...common, name: layout.records, subjects: [`${prefix}.rec.>`] },
    { ...common, name: layout.retries, subjects: [`${prefix}.retry.>`], ...latest },
    { ...common, name: layout.dead, subjects: [`${prefix}.dead.>`] },
    {
      ...common,
      name: layout.leases,
      subjects: [`${prefix}.lease.>`],
      ...latest,
      max_age: leaseMs * 1e6,
    },
    {
      ...common,
      name: layout.values,
      subjects: [`${prefix}.state.>`],
      // Of several copies' streams, see KeyReader. More than there are nodes: each has one on its way at a time.
      max_msgs_per_subject: replicas === 1 ? 1 : 32,
      // Whoever reads one is to see what was written before: any server would answer such a request.
      allow_direct: false,
    },
  ];
}

async function ensureStream(manager: JetStreamManager, wanted: Wanted): Promise<void> {
  const found = await infoOf(manager, wanted.name);
  if (found === undefined) {
    await manager.streams.add(wanted);
    return;
  }
  const differs = Object.entries(wanted).some(
    ([key, value]) => JSON.stringify(found[key as keyof StreamConfig]) !== JSON.stringify(value),
  );
  if (differs) await manager.streams.update(wanted.name, { ...found, ...wanted });
}

async function infoOf(manager: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(name)).config;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
