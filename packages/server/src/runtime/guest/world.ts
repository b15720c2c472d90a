import type { HostAnswer, HostCall } from "../host-calls.ts";

/** All that a run is given which another run of the same input would be given differently. */
export interface World {
  /** Nanoseconds since the Unix epoch. */
  realtime(): bigint;
  /** Nanoseconds from some moment; never goes back. */
  monotonic(): bigint;
  /** Nanoseconds of processor time that the run has used. */
  cpu(): bigint;
  /** Fills them with bytes that nobody can foretell. */
  random(bytes: Uint8Array): void;
  /** Waits until the monotonic clock shows `dueNs`: at once, or with a promise where the guest is suspended. */
  sleep(dueNs: bigint): void | Promise<void>;
  /** What the host answers: at once, or with a promise where the guest is suspended. */
  ask(call: HostCall): HostAnswer | Promise<HostAnswer>;
  /** The secret of that name; undefined: it may have none. */
  secret(name: string): Uint8Array | undefined;
}

/** How the guest waits, and whom it asks. */
export type Outside = Pick<World, "sleep" | "ask">;
