import { setTimeout as delay } from "node:timers/promises";
import type { KV, KvEntry } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { jetStreamCode, jetStreamCodes } from "../../core/jetstream.ts";
import { nameFault } from "../schema.ts";
import { decodeEntry, decodeProject, encodeEntry, encodeProject } from "../shared-entry.ts";
import type { SharedFunction, SharedProject, SharedVersions } from "../shared.ts";
import { openBuckets } from "./nats/buckets.ts";
import { NatsContents } from "./nats/contents.ts";
import { Line } from "./nats/line.ts";

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

/** Another node was faster. */
const WRONG_REVISION: ReadonlySet<number> = new Set([
  jetStreamCodes.wrongLastSequence,
  jetStreamCodes.wrongLastSequenceUnnamed,
]);

/**
 * Versions in a key-value bucket `<prefix>_versions`, by function, and what they are made of in an object
 * store `<prefix>_modules`, by sha256. Makes both where they are missing. LOG_UNAVAILABLE.
 */
export async function natsSharedVersions(options: NatsSharedOptions): Promise<SharedVersions> {
  const { connection, prefix, replicas, stallMs = 10_000 } = options;
  const names = { versions: `${prefix}_versions`, modules: `${prefix}_modules`, replicas };
  const line = new Line(connection);
  const [versions, objects] = await line.ask("set up the buckets of versions", () =>
    openBuckets(connection, names),
  );
  const contents = new NatsContents(line, objects, stallMs);
  return {
    list: () => line.ask("list the cluster's versions", () => list(versions)),
    get: (name) => line.ask(`look at the version of "${name}"`, () => get(versions, name)),
    replace: (name, revision, next) =>
      line.ask(`share the version of "${name}"`, () =>
        replace(versions, name, { revision, bytes: encodeEntry(next) }),
      ),
    getProject: (name) => line.ask(`look at the project "${name}"`, () => project(versions, name)),
    replaceProject: (name, revision, next) =>
      line.ask(`share the project "${name}"`, () =>
        replace(versions, projectKey(name), { revision, bytes: encodeProject(next) }),
      ),
    watch: (signal) => watch(line, versions, signal),
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

/** No function can have such a name. */
function projectKey(name: string): string {
  return `_project.${name}`;
}

async function project(versions: KV, name: string): Promise<SharedProject | undefined> {
  const entry = await versions.get(projectKey(name));
  const revision = entry?.revision ?? 0;
  if (entry?.operation !== "PUT") return { revision, functions: [], marks: [] };
  const files = decodeProject(entry.value);
  return files === undefined ? undefined : { ...files, revision };
}

async function replace(
  versions: KV,
  key: string,
  { revision, bytes }: { readonly revision: number; readonly bytes: Uint8Array },
): Promise<number | undefined> {
  try {
    return await versions.put(key, bytes, { previousSeq: revision });
  } catch (error) {
    if (WRONG_REVISION.has(jetStreamCode(error))) return undefined;
    throw error;
  }
}

async function* watch(
  line: Line,
  versions: KV,
  signal: AbortSignal,
): AsyncIterable<SharedFunction> {
  while (!signal.aborted && !line.connection.isClosed()) {
    const { unbroken } = line;
    try {
      // From the beginning after an interruption: the client itself misses it for some seconds.
      yield* entriesOf(versions, AbortSignal.any([signal, unbroken]));
    } catch {
      // NATS is away, which the connection tells of.
    }
    if (!unbroken.aborted) await delay(AGAIN_MS, undefined, { signal }).catch(over);
  }
}

async function* entriesOf(versions: KV, ended: AbortSignal): AsyncIterable<SharedFunction> {
  const aborted = Promise.withResolvers<undefined>();
  const stop = (): void => aborted.resolve(undefined);
  ended.addEventListener("abort", stop, { once: true });
  const opening = versions.watch();
  try {
    // What is asked while NATS is away is answered by nobody, and its time runs out much later.
    const entries = ended.aborted ? undefined : await Promise.race([opening, aborted.promise]);
    if (entries === undefined) return;
    void aborted.promise.then(() => entries.stop());
    for await (const entry of entries) yield* functionIn(entry);
  } finally {
    ended.removeEventListener("abort", stop);
    opening.then((entries) => entries.stop(), over);
  }
}

/** Nobody waits for it any more. */
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
