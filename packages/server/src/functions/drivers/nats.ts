import { setTimeout as delay } from "node:timers/promises";
import { JetStreamApiError } from "@nats-io/jetstream";
import type { KV, KvEntry } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { nameFault } from "../schema.ts";
import { decodeEntry, encodeEntry } from "../shared-entry.ts";
import type { Marked, SharedFunction, SharedVersions } from "../shared.ts";
import { attempt } from "./nats/attempt.ts";
import { openBuckets } from "./nats/buckets.ts";
import { NatsContents } from "./nats/contents.ts";

export interface NatsSharedOptions {
  /** Open, and kept so by its opener. */
  readonly connection: NatsConnection;
  /** In front of the names of both buckets. */
  readonly prefix: string;
  /** Of both buckets. Absent: as they have; else 3 in a cluster that has room for them, and 1. */
  readonly replicas?: number;
  /** How long the next part of what is read is waited for, in milliseconds. */
  readonly stallMs?: number;
}

/** Between two attempts to watch. */
const AGAIN_MS = 500;
const LIST_MS = 10_000;

/** Another node was faster, in JetStream's numbers. */
const WRONG_REVISION = new Set([10_071, 10_164]);

/**
 * Versions in a key-value bucket `<prefix>_versions`, by function, and what they are made of in an object
 * store `<prefix>_modules`, by sha256. Makes both where they are missing. LOG_UNAVAILABLE.
 */
export async function natsSharedVersions(options: NatsSharedOptions): Promise<SharedVersions> {
  const { connection, prefix, replicas, stallMs = 30_000 } = options;
  const names = { versions: `${prefix}_versions`, modules: `${prefix}_modules`, replicas };
  const [versions, objects] = await attempt("set up the buckets of versions", () =>
    openBuckets(connection, names),
  );
  const contents = new NatsContents(objects, stallMs);
  return {
    list: () => attempt("list the cluster's versions", () => list(versions)),
    get: (name) => attempt(`look at the version of "${name}"`, () => get(versions, name)),
    replace: (name, revision, next) =>
      attempt(`share the version of "${name}"`, () => replace(versions, name, { revision, next })),
    watch: (signal) => watch(connection, versions, signal),
    putContent: (content) => contents.put(content),
    getContent: (name) => contents.get(name),
  };
}

async function list(versions: KV): Promise<readonly SharedFunction[]> {
  if ((await versions.status()).values === 0) return [];
  const found: SharedFunction[] = [];
  const entries = await versions.watch();
  // The last of them may be gone since it was counted, and then nothing says that there is no more.
  const late = setTimeout(() => entries.stop(new Error("it takes too long")), LIST_MS);
  try {
    for await (const entry of entries) {
      found.push(...functionIn(entry));
      if (entry.delta === 0) break;
    }
    return found;
  } finally {
    clearTimeout(late);
  }
}

async function get(versions: KV, name: string): Promise<SharedFunction> {
  const entry = await versions.get(name);
  if (entry === null) return { name, revision: 0, state: { kind: "absent" } };
  return sharedFunction(name, entry);
}

async function replace(
  versions: KV,
  name: string,
  { revision, next }: { readonly revision: number; readonly next: Marked },
): Promise<number | undefined> {
  try {
    return await versions.put(name, encodeEntry(next), { previousSeq: revision });
  } catch (error) {
    if (error instanceof JetStreamApiError && WRONG_REVISION.has(error.code)) return undefined;
    throw error;
  }
}

async function* watch(
  connection: NatsConnection,
  versions: KV,
  signal: AbortSignal,
): AsyncIterable<SharedFunction> {
  let interrupted = new AbortController();
  // Ends with the connection.
  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === "reconnect") interrupted.abort();
    }
  })();
  while (!signal.aborted && !connection.isClosed()) {
    interrupted = new AbortController();
    try {
      // From the beginning after an interruption: the client itself misses it for some seconds.
      yield* entriesOf(versions, AbortSignal.any([signal, interrupted.signal]));
    } catch {
      // NATS is away, which the connection tells of.
    }
    if (!interrupted.signal.aborted) await delay(AGAIN_MS, undefined, { signal }).catch(over);
  }
}

async function* entriesOf(versions: KV, ended: AbortSignal): AsyncIterable<SharedFunction> {
  const entries = await versions.watch();
  const stop = (): void => entries.stop();
  ended.addEventListener("abort", stop, { once: true });
  try {
    if (ended.aborted) return;
    for await (const entry of entries) yield* functionIn(entry);
  } finally {
    ended.removeEventListener("abort", stop);
    entries.stop();
  }
}

/** The wait was ended. */
function over(): void {}

// The bucket is open to other programs too: what is under no function's name is theirs.
function functionIn(entry: KvEntry): SharedFunction[] {
  return nameFault(entry.key) === undefined ? [sharedFunction(entry.key, entry)] : [];
}

function sharedFunction(name: string, entry: KvEntry): SharedFunction {
  const { revision, operation, value } = entry;
  const deleted = operation !== "PUT";
  return {
    name,
    revision,
    state: deleted ? { kind: "absent" } : decodeEntry(name, value),
  };
}
