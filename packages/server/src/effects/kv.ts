import type { ErrorCode } from "../core/errors.ts";
import { NexusError } from "../core/errors.ts";
import { MOST_KEY_BYTES, type SetOptions, type StateEntry, type StateStore } from "../log/state.ts";
import type { ERRNO } from "../runtime/errno.ts";
import {
  ABSENT_REVISION,
  ANY_REVISION,
  type HostAnswer,
  type HostCall,
} from "../runtime/host-calls.ts";
import { answered, refused } from "./answers.ts";

export interface KvOptions {
  readonly state: StateStore;
  /** Whose entries these are. */
  readonly function: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** Values of one page together; a page has one entry at least. */
const MOST_PAGE_BYTES = 1024 * 1024;
const MOST_PAGE_ENTRIES = 1_000;

/** Answers `kv_get`, `kv_set`, `kv_delete` and `kv_list` from the namespace of one function. */
export async function answerKv(call: HostCall, options: KvOptions): Promise<HostAnswer> {
  try {
    return await ANSWERS[call.name as KvCall](call.parts, options);
  } catch (error) {
    if (error instanceof Refusal) return error.answer;
    if (!(error instanceof NexusError)) throw error;
    return refused(ERRNOS[error.code] ?? "io", error.message);
  }
}

type KvCall = "kv_get" | "kv_set" | "kv_delete" | "kv_list";
type Answer = (parts: readonly Uint8Array[], options: KvOptions) => Promise<HostAnswer>;

const ANSWERS: Readonly<Record<KvCall, Answer>> = {
  kv_get: get,
  kv_set: set,
  kv_delete: remove,
  kv_list: list,
};

const ERRNOS: Partial<Record<ErrorCode, keyof typeof ERRNO>> = {
  STATE_TOO_LARGE: "fbig",
  STATE_KEY_INVALID: "inval",
};

async function get([key]: readonly Uint8Array[], options: KvOptions): Promise<HostAnswer> {
  const entry = await options.state.get(namespaceOf(options), keyOf(key!));
  if (entry === undefined) return NO_ENTRY;
  return answered(Buffer.concat([revisionBytes(entry.revision), entry.value]));
}

async function set(parts: readonly Uint8Array[], options: KvOptions): Promise<HostAnswer> {
  const [key, value, expected, ttl] = parts;
  const ttlMs = numberOf(ttl!);
  if (ttlMs < 0n) throw new Refusal("the time to live is negative");
  const settings: SetOptions = {
    ...expectation(numberOf(expected!)),
    ...(ttlMs === 0n ? {} : { expiresAt: options.now() + Number(ttlMs) }),
  };
  const revision = await options.state.set(namespaceOf(options), keyOf(key!), value!, settings);
  return revision === undefined ? NOT_AS_EXPECTED : answered(revisionBytes(revision));
}

async function remove(
  [key, expected]: readonly Uint8Array[],
  options: KvOptions,
): Promise<HostAnswer> {
  const { expect } = expectation(numberOf(expected!));
  if (expect === "absent") throw new Refusal("an entry that is absent cannot be deleted");
  const conditions = expect === undefined ? {} : { expect };
  const removed = await options.state.delete(namespaceOf(options), keyOf(key!), conditions);
  if (removed) return answered();
  return expect === undefined ? NO_ENTRY : NOT_AS_EXPECTED;
}

async function list(
  [prefix, after, limit]: readonly Uint8Array[],
  options: KvOptions,
): Promise<HostAnswer> {
  const most = new DataView(limit!.buffer, limit!.byteOffset).getUint32(0, true);
  if (most < 1 || most > MOST_PAGE_ENTRIES) {
    throw new Refusal(`a page has 1 to ${MOST_PAGE_ENTRIES} entries`);
  }
  const page = await options.state.list(namespaceOf(options), {
    limit: most,
    ...(prefix!.length === 0 ? {} : { prefix: keyOf(prefix!) }),
    ...(after!.length === 0 ? {} : { after: keyOf(after!) }),
  });
  const told = fitting(page.items);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(page.more || told.length < page.items.length ? 1 : 0, 0);
  head.writeUInt32LE(told.length, 4);
  return answered(Buffer.concat([head, ...told.flatMap(entryBytes)]));
}

function fitting(items: readonly StateEntry[]): readonly StateEntry[] {
  let bytes = 0;
  const over = items.findIndex(({ value }) => (bytes += value.length) > MOST_PAGE_BYTES);
  return over === -1 ? items : items.slice(0, Math.max(1, over));
}

function entryBytes({ key, value, revision }: StateEntry): readonly Uint8Array[] {
  const keyBytes = Buffer.from(key);
  const head = Buffer.alloc(16);
  head.writeUInt32LE(keyBytes.length, 0);
  head.writeUInt32LE(value.length, 4);
  head.writeBigUInt64LE(BigInt(revision), 8);
  return [head, keyBytes, value];
}

function namespaceOf({ function: name }: KvOptions): string {
  return `fn:${name}`;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function keyOf(bytes: Uint8Array): string {
  if (bytes.length === 0 || bytes.length > MOST_KEY_BYTES) {
    throw new Refusal(`a key has 1 to ${MOST_KEY_BYTES} bytes, and this one ${bytes.length}`);
  }
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new Refusal("the key is not UTF-8");
  }
}

function expectation(revision: bigint): Pick<SetOptions, "expect"> {
  if (revision === ANY_REVISION) return {};
  if (revision === ABSENT_REVISION) return { expect: "absent" };
  if (revision > 0n && revision <= BigInt(Number.MAX_SAFE_INTEGER)) {
    return { expect: Number(revision) };
  }
  throw new Refusal(`there is no revision ${revision}`);
}

function numberOf(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true);
}

function revisionBytes(revision: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(revision));
  return bytes;
}

/** What no store is asked for. */
class Refusal extends Error {
  readonly answer: HostAnswer;

  constructor(why: string) {
    super(why);
    this.answer = refused("inval", why);
  }
}

const NO_ENTRY = refused("noent", "there is no such entry");
const NOT_AS_EXPECTED = refused("stale", "the entry is not as expected");
