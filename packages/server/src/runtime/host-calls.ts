/**
 * Host calls that the host answers: what a run asks of the world beyond itself. The guest is suspended
 * meanwhile. docs/host-api.md describes them as a guest has them, docs/recordings.md as a tape has them.
 */

/** What answers them for one run. */
export interface HostCalls {
  /**
   * Resolves with what the guest is to have; what cannot be done is an answer too, with its errno and a text
   * that says why. Never asked twice for one call. The signal aborts when the run has ended and nobody wants
   * the answer any more. Rejects only for a bug.
   */
  answer(call: HostCall, signal: AbortSignal): Promise<HostAnswer>;
}

/** A call and the parts of its request, in the order of PARTS. */
export interface HostCall {
  readonly name: HostCallName;
  readonly parts: readonly Uint8Array[];
}

export interface HostAnswer {
  /** One of ERRNO. */
  readonly errno: number;
  /** What the call gives, as docs/host-api.md says; where the errno is not 0, why, in UTF-8. */
  readonly payload: Uint8Array;
}

/** Their numbers on a tape: never used again for another one. */
export const HOST_CALLS = { kv_get: 1, kv_set: 2, kv_delete: 3, kv_list: 4, fetch: 5 } as const;

export type HostCallName = keyof typeof HOST_CALLS;

/** What a request is made of. Numbers are little-endian, of 8 bytes, but for `limit`, which has 4. */
export const PARTS = {
  kv_get: ["key"],
  kv_set: ["key", "value", "expect", "ttl"],
  kv_delete: ["key", "expect"],
  kv_list: ["prefix", "after", "limit"],
  fetch: ["request", "headers", "body"],
} as const satisfies Record<HostCallName, readonly PartName[]>;

export type PartName =
  | "key"
  | "value"
  | "expect"
  | "ttl"
  | "prefix"
  | "after"
  | "limit"
  | "request"
  | "headers"
  | "body";

/** `expect` where any revision, or none, will do. */
export const ANY_REVISION = -1n;
/** `expect` where there must be no entry. */
export const ABSENT_REVISION = 0n;

/** Of all parts together. */
export const MOST_REQUEST_BYTES = 8 * 1024 * 1024;

const NAMES = new Map<number, HostCallName>(
  Object.entries(HOST_CALLS).map(([name, number]) => [number, name as HostCallName]),
);

export function hostCallName(number: number): HostCallName | undefined {
  return NAMES.get(number);
}
