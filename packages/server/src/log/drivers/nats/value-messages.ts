import type { StoredMsg } from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { expecting, type Outgoing } from "./wire.ts";

// A value's message is its bytes, so that any tool for NATS shows them.
const EXPIRES = "Nexus-Expires";
const DELETED = "Nexus-Deleted";
const AFTER = "Nexus-After";

/** The last message of a key. */
export interface KeptValue {
  readonly sequence: number;
  /** Sequence of the message it follows, and counts only after; 0: of none. Undefined: after whatever there is. */
  readonly after: number | undefined;
  /** By the server's clock; milliseconds since the Unix epoch. */
  readonly storedAt: number;
  readonly value: Uint8Array;
  readonly isDeleted: boolean;
  readonly expiresAt: number | undefined;
}

/** What a message follows. */
export interface Predecessor {
  /** The one that counts. */
  readonly after: number;
  /** The last on the subject: the stream takes it only after this one. */
  readonly last: number;
}

export function encodeValue(
  value: Uint8Array,
  {
    follows,
    expiresAt,
  }: { readonly follows?: Predecessor; readonly expiresAt?: number | undefined },
): Outgoing {
  const head = following(follows);
  if (expiresAt !== undefined) head.set(EXPIRES, String(expiresAt));
  return { headers: head, data: value };
}

/** What a deleted entry leaves. */
export function encodeDeletion(follows: Predecessor): Outgoing {
  const head = following(follows);
  head.set(DELETED, "true");
  return { headers: head, data: NO_BYTES };
}

function following(follows: Predecessor | undefined): MsgHdrs {
  if (follows === undefined) return headers();
  const head = expecting(follows.last);
  head.set(AFTER, String(follows.after));
  return head;
}

export function decodeValue({ seq: sequence, header, data: value, time }: StoredMsg): KeptValue {
  const after = header?.get(AFTER) ?? "";
  return {
    sequence,
    storedAt: time.getTime(),
    value,
    after: after === "" ? undefined : Number(after),
    ...fateOf(header),
  };
}

/** What its head alone says of a message. */
export function fateOf(head: MsgHdrs | undefined): Pick<KeptValue, "isDeleted" | "expiresAt"> {
  const expires = head?.get(EXPIRES) ?? "";
  const isDeleted = (head?.get(DELETED) ?? "") !== "";
  return { isDeleted, expiresAt: expires === "" ? undefined : Number(expires) };
}

export function isOver({ expiresAt }: Pick<KeptValue, "expiresAt">, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

const NO_BYTES = new Uint8Array();
