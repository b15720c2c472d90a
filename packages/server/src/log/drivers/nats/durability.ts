import { atLeast, SYNC_ALWAYS_VERSION } from "../../../core/nats-version.ts";

export interface Keeper {
  /** Copies of each stream. */
  readonly replicas: number;
  /** Of nats-server. */
  readonly version: string;
  /** Its cluster's name, where it is in one. */
  readonly cluster: string | undefined;
}

/**
 * What an acknowledgement is worth, in words. JetStream tells neither clients nor accounts how often it
 * syncs: only what holds for every setting, and what to set, can be said.
 */
export function durability({ replicas, version, cluster }: Keeper): string {
  if (replicas === 1) {
    const sync = atLeast(version, SYNC_ALWAYS_VERSION)
      ? "a power cut may take what was not synced yet: two minutes of it by default, nothing with `sync_interval: always` in the server's jetstream block"
      : `a power cut may take up to two minutes: version ${version} cannot sync more often (2.10 and newer can, with \`sync_interval: always\`)`;
    return `on the disk of one NATS server: an acknowledged event survives the end of that server's process; ${sync}`;
  }
  const where = `on ${replicas} NATS servers${cluster === undefined ? "" : ` of the cluster "${cluster}"`}`;
  const lost = Math.floor((replicas - 1) / 2);
  return `${where}: an acknowledged event is in a majority's files and survives the loss of ${lost === 1 ? "one of them" : `${lost} of them`}; a power cut at all of them at once may take what was not synced yet, unless their jetstream blocks say \`sync_interval: always\``;
}
