import { ERRNO } from "../errno.ts";
import {
  ABSENT_REVISION,
  ANY_REVISION,
  type HostAnswer,
  type HostCall,
  type HostCallName,
} from "../host-calls.ts";
import { sameParts, type TapedCall, type TapedPart } from "../taped-call.ts";

/** What a run knows of the value of a key: what it was answered, or has written itself. */
interface Known {
  /** Undefined: there is no such entry. */
  readonly entry: { readonly revision: bigint; readonly value: Uint8Array } | undefined;
  /** Whether the run has written it, and the recorded one had not. */
  readonly own: boolean;
}

/**
 * Answers the host calls of a run that follows another one's tape. Of the same requests the first is given
 * the first recorded answer, and so on. Writes that are not on the tape are done for this run alone: it
 * reads what it wrote, and nobody else does. What would be known to nobody has no answer.
 */
export class SuppressedCalls {
  /** Those whose answers were not given yet. */
  #calls: TapedCall[] = [];
  readonly #known = new Map<string, Known>();
  /** Larger than any that the run has seen. */
  #nextRevision = 1n;

  /** `calls`: those on the tape, in order. */
  begin(calls: readonly TapedCall[]): void {
    this.#calls = [...calls];
    this.#known.clear();
    this.#nextRevision = 1n;
  }

  /** `parts`: the request as a tape has it. Undefined: nobody knows what the host would have answered. */
  answer(call: HostCall, parts: readonly TapedPart[]): HostAnswer | undefined {
    const key = KEYED.has(call.name) ? text(call.parts[0]!) : undefined;
    const known = key === undefined ? undefined : this.#known.get(key);
    if (call.name === "kv_get" && known?.own === true) return gotten(known);
    if (call.name === "kv_list" && this.#hasWrittenUnder(text(call.parts[0]!))) return undefined;
    const recorded = this.#recorded(call.name, parts);
    if (recorded !== undefined) {
      if (key !== undefined) this.#learn(key, call, recorded);
      return recorded;
    }
    if (key === undefined) return undefined;
    return this.#unrecorded(key, call, known);
  }

  #unrecorded(key: string, call: HostCall, known: Known | undefined): HostAnswer | undefined {
    switch (call.name) {
      case "kv_get":
        return known === undefined ? undefined : gotten(known);
      case "kv_set":
        return this.#write(key, numberOf(call.parts[2]!), call.parts[1]!.slice());
      case "kv_delete":
        return this.#write(key, numberOf(call.parts[1]!), undefined);
      case "kv_list":
      case "fetch":
        return undefined;
    }
  }

  /** `value` undefined: it is to be deleted. */
  #write(key: string, expect: bigint, value: Uint8Array | undefined): HostAnswer | undefined {
    const known = this.#known.get(key);
    if (expect !== ANY_REVISION) {
      if (known === undefined) return undefined;
      const is = known.entry?.revision ?? ABSENT_REVISION;
      if (is !== expect) return refusal(ERRNO.stale, "the entry is not as expected");
    } else if (value === undefined && known !== undefined && known.entry === undefined) {
      return NO_ENTRY;
    }
    const revision = this.#nextRevision;
    this.#nextRevision += 1n;
    const entry = value === undefined ? undefined : { revision, value };
    this.#known.set(key, { entry, own: true });
    return value === undefined ? DONE : { errno: 0, payload: bytesOf(revision) };
  }

  /** From an answer on the tape. */
  #learn(key: string, { name, parts }: HostCall, { errno, payload }: HostAnswer): void {
    if (errno === ERRNO.noent || (name === "kv_delete" && errno === 0)) {
      this.#known.set(key, { entry: undefined, own: false });
      return;
    }
    if (errno !== 0) return;
    const revision = numberOf(payload);
    const value = name === "kv_get" ? payload.slice(REVISION_BYTES) : parts[1]!.slice();
    this.#known.set(key, { entry: { revision, value }, own: false });
    if (revision >= this.#nextRevision) this.#nextRevision = revision + 1n;
  }

  #recorded(name: HostCallName, parts: readonly TapedPart[]): TapedCall | undefined {
    const place = this.#calls.findIndex((one) => one.name === name && sameParts(one.parts, parts));
    return place === -1 ? undefined : this.#calls.splice(place, 1)[0];
  }

  #hasWrittenUnder(prefix: string): boolean {
    return [...this.#known].some(([key, { own }]) => own && key.startsWith(prefix));
  }
}

const NOTHING = new Uint8Array(0);
const REVISION_BYTES = 8;
const KEYED: ReadonlySet<HostCallName> = new Set(["kv_get", "kv_set", "kv_delete"]);
const DONE: HostAnswer = { errno: 0, payload: NOTHING };
const NO_ENTRY = refusal(ERRNO.noent, "there is no such entry");

function gotten({ entry }: Known): HostAnswer {
  if (entry === undefined) return NO_ENTRY;
  const payload = new Uint8Array(REVISION_BYTES + entry.value.length);
  payload.set(bytesOf(entry.revision));
  payload.set(entry.value, REVISION_BYTES);
  return { errno: 0, payload };
}

function refusal(errno: number, why: string): HostAnswer {
  return { errno, payload: new TextEncoder().encode(why) };
}

function numberOf(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true);
}

function bytesOf(revision: bigint): Uint8Array {
  const bytes = new Uint8Array(REVISION_BYTES);
  new DataView(bytes.buffer).setBigInt64(0, revision, true);
  return bytes;
}

/** Byte by byte: keys that are no UTF-8 stay different. */
function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
