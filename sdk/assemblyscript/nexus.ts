// Host calls of Nexus Functions for AssemblyScript: docs/host-api.md says what each does. A copy of this file in your
// project is all it takes.

// @ts-ignore: decorator
@external("nexus", "emit")
declare function raw_emit(at: usize, length: usize): i32;
// @ts-ignore: decorator
@external("nexus", "log")
declare function raw_log(level: i32, at: usize, length: usize): i32;
// @ts-ignore: decorator
@external("nexus", "kv_get")
declare function raw_kv_get(key: usize, keyLength: usize, at: usize, capacity: usize, size: usize, revision: usize): i32;
// @ts-ignore: decorator
@external("nexus", "kv_set")
declare function raw_kv_set(key: usize, keyLength: usize, value: usize, valueLength: usize, expect: i64, ttlMs: i64, revision: usize): i32;
// @ts-ignore: decorator
@external("nexus", "kv_delete")
declare function raw_kv_delete(key: usize, keyLength: usize, expect: i64): i32;
// @ts-ignore: decorator
@external("nexus", "kv_list")
declare function raw_kv_list(prefix: usize, prefixLength: usize, after: usize, afterLength: usize, limit: i32, at: usize, capacity: usize, size: usize): i32;
// @ts-ignore: decorator
@external("nexus", "fetch")
declare function raw_fetch(head: usize, headLength: usize, body: usize, bodyLength: usize, at: usize, capacity: usize, size: usize): i32;
// @ts-ignore: decorator
@external("nexus", "secret_get")
declare function raw_secret_get(name: usize, nameLength: usize, at: usize, capacity: usize, size: usize): i32;
// @ts-ignore: decorator
@external("nexus", "answer_read")
declare function raw_answer_read(at: usize, capacity: usize, size: usize): i32;

const NOSPC: i32 = 51;

/** What the last call gave: 0, or an errno of WASI preview 1. */
export let errno: i32 = 0;

export const NOENT: i32 = 44;
export const STALE: i32 = 72;

/** Why the last call was not done, for people. */
export function reason(): string {
  if (errno == 0) return "";
  const text = lastAnswer();
  return String.UTF8.decode(text);
}

const sizeAt: usize = memory.data(4, 4);
const revisionAt: usize = memory.data(8, 8);

function lastAnswer(): ArrayBuffer {
  if (raw_answer_read(0, 0, sizeAt) != NOSPC) return new ArrayBuffer(0);
  const answer = new ArrayBuffer(load<u32>(sizeAt));
  raw_answer_read(changetype<usize>(answer), answer.byteLength, sizeAt);
  return answer;
}

/** The answer of a call that was given no room for it. */
function answered(code: i32): ArrayBuffer | null {
  errno = code == NOSPC ? 0 : code;
  if (errno != 0) return null;
  return code == NOSPC ? lastAnswer() : new ArrayBuffer(0);
}

/**
 * Emits an event: a CloudEvent as JSON text, in which only `type` has to be there. It is appended when this
 * invocation succeeds, and not otherwise. False: the platform did not take it.
 */
export function emit(event: string): bool {
  const bytes = String.UTF8.encode(event);
  return raw_emit(changetype<usize>(bytes), bytes.byteLength) == 0;
}

export enum Level {
  Debug = 0,
  Info = 1,
  Warn = 2,
  Error = 3,
}

/** A line of the invocation's log. */
export function log(level: Level, text: string): void {
  const bytes = String.UTF8.encode(text);
  raw_log(level, changetype<usize>(bytes), bytes.byteLength);
}

/** A secret that nexus.yaml grants; null: the platform was not given it, or does not grant it. */
export function secret(name: string): string | null {
  const bytes = String.UTF8.encode(name);
  const value = answered(raw_secret_get(changetype<usize>(bytes), bytes.byteLength, 0, 0, sizeAt));
  return value === null ? null : String.UTF8.decode(value);
}

/** Of `expect`: whatever is there. */
export const ANYTHING: i64 = -1;
/** Of `expect`: only if there is no entry. */
export const ABSENT: i64 = 0;

export class Entry {
  constructor(
    readonly key: string,
    readonly value: ArrayBuffer,
    readonly revision: i64,
  ) {}

  text(): string {
    return String.UTF8.decode(this.value);
  }
}

export class Page {
  readonly entries: Entry[] = [];
  /** Whether others follow: list again, after the last key of this page. */
  more: bool = false;
}

/** Null: there is no such entry, or `errno` says why it could not be had. */
export function kvGet(key: string): Entry | null {
  const bytes = String.UTF8.encode(key);
  const value = answered(raw_kv_get(changetype<usize>(bytes), bytes.byteLength, 0, 0, sizeAt, revisionAt));
  return value === null ? null : new Entry(key, value, load<i64>(revisionAt));
}

/**
 * The new revision; 0: nothing was changed, and `errno` says why (STALE: the entry is not as expected).
 * `ttlMs`: how long it is kept; 0: it stays.
 */
export function kvSet(key: string, value: ArrayBuffer, expect: i64 = ANYTHING, ttlMs: i64 = 0): i64 {
  const bytes = String.UTF8.encode(key);
  errno = raw_kv_set(
    changetype<usize>(bytes),
    bytes.byteLength,
    changetype<usize>(value),
    value.byteLength,
    expect,
    ttlMs,
    revisionAt,
  );
  return errno == 0 ? load<i64>(revisionAt) : 0;
}

/** Whether an entry was removed; else `errno` says why not. */
export function kvDelete(key: string, expect: i64 = ANYTHING): bool {
  const bytes = String.UTF8.encode(key);
  errno = raw_kv_delete(changetype<usize>(bytes), bytes.byteLength, expect);
  return errno == 0;
}

/** Entries whose keys begin with `prefix` and come behind `after`, in order of their bytes; 1 to 1,000. */
export function kvList(prefix: string, after: string = "", limit: i32 = 100): Page | null {
  const first = String.UTF8.encode(prefix);
  const second = String.UTF8.encode(after);
  const bytes = answered(
    raw_kv_list(
      changetype<usize>(first),
      first.byteLength,
      changetype<usize>(second),
      second.byteLength,
      limit,
      0,
      0,
      sizeAt,
    ),
  );
  if (bytes === null) return null;
  const view = new DataView(bytes);
  const page = new Page();
  page.more = view.getUint32(0, true) != 0;
  let at = 8;
  for (let left = view.getUint32(4, true); left > 0; left--) {
    const keyEnd = at + 16 + view.getUint32(at, true);
    const end = keyEnd + view.getUint32(at + 4, true);
    const key = String.UTF8.decode(bytes.slice(at + 16, keyEnd));
    page.entries.push(new Entry(key, bytes.slice(keyEnd, end), view.getInt64(at + 8, true)));
    at = end;
  }
  return page;
}

export class Response {
  constructor(
    readonly status: i32,
    /** `name: value`, names in lower case, in the order in which they came. */
    readonly headers: string[],
    readonly body: ArrayBuffer,
  ) {}

  /** The first header of that name, in lower case; null: there is none. */
  header(name: string): string | null {
    for (let at = 0; at < this.headers.length; at++) {
      const line = this.headers[at];
      if (line.startsWith(name + ": ")) return line.slice(name.length + 2);
    }
    return null;
  }

  text(): string {
    return String.UTF8.decode(this.body);
  }
}

/**
 * Asks a server that nexus.yaml allows. `headers`: `name: value` each. An answer of any status is one; null: there
 * was none, and `errno` says why.
 */
export function fetch(
  method: string,
  url: string,
  headers: string[] = [],
  body: ArrayBuffer = new ArrayBuffer(0),
): Response | null {
  const head = String.UTF8.encode(method + " " + url + "\n" + headers.join("\n"));
  const bytes = answered(
    raw_fetch(
      changetype<usize>(head),
      head.byteLength,
      changetype<usize>(body),
      body.byteLength,
      0,
      0,
      sizeAt,
    ),
  );
  if (bytes === null) return null;
  const all = Uint8Array.wrap(bytes);
  let end = 0;
  while (end + 1 < all.length && !(all[end] == 10 && all[end + 1] == 10)) end++;
  const lines = String.UTF8.decode(bytes.slice(0, end)).split("\n");
  return new Response(I32.parseInt(lines[0]), lines.slice(1), bytes.slice(end + 2));
}
