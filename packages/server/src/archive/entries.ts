import type { StoredEvent } from "../core/event.ts";
import type { DeadLetter } from "../core/invocation.ts";
import type {
  FunctionPlace,
  KeptInvocation,
  KeptValue,
  LogState,
  WaitingRetry,
} from "../log/transfer.ts";
import type { Entry } from "./format.ts";

// How the things of a log lie in an archive. An event's own JSON goes as the bytes that were accepted.

interface EventFields {
  readonly position: number;
  readonly accepted_at: number;
  readonly meta: StoredEvent["meta"];
  readonly attributes: Omit<StoredEvent["event"], "json">;
}

export function eventEntry({ event, meta, position, acceptedAt }: StoredEvent): Entry {
  const { json: bytes, ...attributes } = event;
  const json: EventFields = { position, accepted_at: acceptedAt, meta, attributes };
  return { json, bytes };
}

export function eventOf({ json, bytes }: Entry): StoredEvent {
  const { position, accepted_at: acceptedAt, meta, attributes } = json as EventFields;
  return { event: { ...attributes, json: bytes! }, meta, position, acceptedAt };
}

interface InvocationFields {
  readonly mark: string;
  readonly kept_at: number;
  readonly invocation: KeptInvocation["invocation"];
  /** The bytes are its recording. */
  readonly recorded?: true;
}

export function invocationEntry(kept: KeptInvocation): Entry {
  const { mark, invocation, recording, keptAt } = kept;
  const json: InvocationFields = { mark, kept_at: keptAt, invocation };
  if (recording === undefined) return { json };
  return { json: { ...json, recorded: true }, bytes: recording };
}

export function invocationOf({ json, bytes }: Entry): KeptInvocation {
  const { mark, kept_at: keptAt, invocation, recorded } = json as InvocationFields;
  return { mark, invocation, keptAt, ...(recorded === true ? { recording: bytes! } : {}) };
}

export function moduleEntry(sha256: string, bytes: Uint8Array): Entry {
  return { json: { sha256 }, bytes };
}

export function moduleOf({ json, bytes }: Entry): { sha256: string; bytes: Uint8Array } {
  const { sha256 } = json as { readonly sha256: string };
  return { sha256, bytes: bytes! };
}

interface ValueFields {
  readonly namespace: string;
  readonly key: string;
  readonly expires_at?: number;
}

export function valueEntry({ namespace, key, value, expiresAt }: KeptValue): Entry {
  const json: ValueFields = { namespace, key };
  if (expiresAt === undefined) return { json, bytes: value };
  return { json: { ...json, expires_at: expiresAt }, bytes: value };
}

export function valueOf({ json, bytes }: Entry): KeptValue {
  const { namespace, key, expires_at: expiresAt } = json as ValueFields;
  return { namespace, key, value: bytes!, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

interface RetryFields {
  readonly function: string;
  readonly position: number;
  readonly attempt: number;
  readonly due_at: number;
  readonly holds_key: boolean;
}

type StateFields =
  | { readonly tail: number; readonly revision?: number }
  | { readonly dead_letter: DeadLetter }
  | { readonly retry: RetryFields }
  | { readonly place: FunctionPlace };

export function* stateEntries(state: LogState): Generator<Entry> {
  const entry = (json: StateFields): Entry => ({ json });
  yield entry({ tail: state.tail, revision: state.revision });
  for (const dead_letter of state.deadLetters) yield entry({ dead_letter });
  for (const { dueAt: due_at, holdsKey: holds_key, ...rest } of state.retries) {
    yield entry({ retry: { ...rest, due_at, holds_key } });
  }
  for (const place of state.places) yield entry({ place });
}

export function stateOf(entries: Iterable<Entry>): LogState {
  let [tail, revision] = [0, 0];
  const deadLetters: DeadLetter[] = [];
  const retries: WaitingRetry[] = [];
  const places: FunctionPlace[] = [];
  for (const { json } of entries) {
    const fields = json as StateFields;
    if ("tail" in fields) ({ tail, revision = 0 } = fields);
    else if ("dead_letter" in fields) deadLetters.push(fields.dead_letter);
    else if ("place" in fields) places.push(fields.place);
    else {
      const { due_at: dueAt, holds_key: holdsKey, ...rest } = fields.retry;
      retries.push({ ...rest, dueAt, holdsKey });
    }
  }
  return { tail, revision, deadLetters, retries, places };
}
