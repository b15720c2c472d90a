import { ERRNO, failure, INVAL, MSGSIZE, NOSPC } from "../errno.ts";
import { MOST_REQUEST_BYTES, type HostAnswer, type HostCall } from "../host-calls.ts";
import type { GuestContext } from "./context.ts";
import { hostCall } from "./host-call.ts";

const REVISION_BYTES = 8;
const MOST_NAME_BYTES = 512;
const LINE_FEED = 10;
const decoder = new TextDecoder();

/** A place in the guest's memory for an answer, and one for its size. */
interface Place {
  readonly at: number;
  readonly capacity: number;
  readonly sizeAt: number;
}

/** Host calls that are answered from outside the guest's thread, and those that go with them; docs/host-api.md. */
export function answeredFunctions(
  context: GuestContext,
): Record<string, (...args: never[]) => unknown> {
  const { memory } = context;

  function part(at: number, length: number): Uint8Array {
    return memory.slice(at, length).slice();
  }

  function numberPart(value: bigint): Uint8Array {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigInt64(0, value, true);
    return bytes;
  }

  /** At 0 it is not wanted. */
  function checkRevision(at: number): void {
    if (at !== 0) memory.slice(at, REVISION_BYTES);
  }

  /** A recording may be damaged, and have any number of bytes. */
  function putRevision(at: number, payload: Uint8Array): void {
    if (at !== 0) memory.slice(at, REVISION_BYTES).set(payload.subarray(0, REVISION_BYTES));
  }

  /** Everything that is the guest's fault is found before anything is done. */
  function checked(place: Place): Place {
    memory.slice(place.at, place.capacity);
    memory.slice(place.sizeAt, 4);
    return place;
  }

  function put({ at, capacity, sizeAt }: Place): void {
    const { answer } = context;
    memory.setU32(sizeAt, answer.length);
    if (answer.length > capacity >>> 0) throw NOSPC;
    memory.slice(at, answer.length).set(answer);
  }

  /** Asks, and hands a good answer to `use`; what is not good is the errno, and a text to be read. */
  function ask(call: HostCall, use: (payload: Uint8Array) => void): void | Promise<void> {
    const bytes = call.parts.reduce((sum, { length }) => sum + length, 0);
    if (bytes > MOST_REQUEST_BYTES) throw MSGSIZE;
    const take = ({ errno, payload }: HostAnswer): void => {
      context.answer = payload;
      if (errno !== ERRNO.success) throw failure(errno);
      use(payload);
    };
    const answer = context.world.ask(call);
    return answer instanceof Promise ? answer.then(take) : take(answer);
  }

  function kvGet(
    key: number,
    keyLength: number,
    at: number,
    capacity: number,
    sizeAt: number,
    revisionAt: number,
  ): void | Promise<void> {
    const place = checked({ at, capacity, sizeAt });
    checkRevision(revisionAt);
    return ask({ name: "kv_get", parts: [part(key, keyLength)] }, (payload) => {
      putRevision(revisionAt, payload);
      context.answer = payload.subarray(REVISION_BYTES);
      put(place);
    });
  }

  function kvSet(
    key: number,
    keyLength: number,
    value: number,
    valueLength: number,
    expect: bigint,
    ttlMs: bigint,
    revisionAt: number,
  ): void | Promise<void> {
    checkRevision(revisionAt);
    const numbers = [numberPart(expect), numberPart(ttlMs)];
    const parts = [part(key, keyLength), part(value, valueLength), ...numbers];
    return ask({ name: "kv_set", parts }, (payload) => putRevision(revisionAt, payload));
  }

  function kvDelete(key: number, keyLength: number, expect: bigint): void | Promise<void> {
    const parts = [part(key, keyLength), numberPart(expect)];
    return ask({ name: "kv_delete", parts }, () => undefined);
  }

  function kvList(
    prefix: number,
    prefixLength: number,
    after: number,
    afterLength: number,
    limit: number,
    at: number,
    capacity: number,
    sizeAt: number,
  ): void | Promise<void> {
    const place = checked({ at, capacity, sizeAt });
    const most = numberPart(BigInt(limit >>> 0)).subarray(0, 4);
    const parts = [part(prefix, prefixLength), part(after, afterLength), most];
    return ask({ name: "kv_list", parts }, () => put(place));
  }

  function fetch(
    head: number,
    headLength: number,
    body: number,
    bodyLength: number,
    at: number,
    capacity: number,
    sizeAt: number,
  ): void | Promise<void> {
    const place = checked({ at, capacity, sizeAt });
    const lines = part(head, headLength);
    const lineEnd = lines.indexOf(LINE_FEED);
    const request = lineEnd === -1 ? lines : lines.subarray(0, lineEnd);
    const headers = lineEnd === -1 ? NOTHING : lines.subarray(lineEnd + 1);
    const parts = [request, headers, part(body, bodyLength)];
    return ask({ name: "fetch", parts }, () => put(place));
  }

  function secretGet(
    name: number,
    nameLength: number,
    at: number,
    capacity: number,
    sizeAt: number,
  ): void {
    const place = checked({ at, capacity, sizeAt });
    if (nameLength >>> 0 > MOST_NAME_BYTES) throw INVAL;
    const value = context.world.secret(decoder.decode(part(name, nameLength)));
    context.answer = value ?? NO_SUCH_SECRET;
    if (value === undefined) throw failure(ERRNO.noent);
    put(place);
  }

  function answerRead(at: number, capacity: number, sizeAt: number): void {
    put(checked({ at, capacity, sizeAt }));
  }

  return {
    kv_get: hostCall(context, "nexus.kv_get", kvGet),
    kv_set: hostCall(context, "nexus.kv_set", kvSet),
    kv_delete: hostCall(context, "nexus.kv_delete", kvDelete),
    kv_list: hostCall(context, "nexus.kv_list", kvList),
    fetch: hostCall(context, "nexus.fetch", fetch),
    secret_get: hostCall(context, "nexus.secret_get", secretGet),
    answer_read: hostCall(context, "nexus.answer_read", answerRead),
  };
}

const NOTHING = new Uint8Array(0);
const NO_SUCH_SECRET = new TextEncoder().encode("there is no such secret for this function");
