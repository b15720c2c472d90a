import { NexusError } from "../../../core/errors.ts";
import type { LogStatus } from "../../log.ts";
import type { NatsStore } from "./store.ts";

type Counts = Omit<LogStatus, "driver" | "connected" | "durability">;

/** What is known of the log; the counts of the last time while NATS cannot be reached. */
export class Status {
  readonly #store: NatsStore;
  #last: Counts = { tail: 0, events: 0, invocations: 0, deadLetters: 0, bytes: 0 };

  constructor(store: NatsStore) {
    this.#store = store;
  }

  async read(): Promise<LogStatus> {
    let connected = this.#store.channel.connected;
    try {
      if (connected) this.#last = await this.#counts();
    } catch (error) {
      if (!(error instanceof NexusError)) throw error;
      connected = false;
    }
    return { driver: "nats", connected, durability: durability(this.#store), ...this.#last };
  }

  async #counts(): Promise<Counts> {
    const { events, records, retries, dead } = this.#store;
    const states = [events.state(), records.state(), dead.state(), retries.state()] as const;
    const [log, runs, letters, waiting] = await Promise.all(states);
    return {
      tail: log.last,
      events: log.messages,
      invocations: runs.messages,
      deadLetters: letters.messages,
      bytes: log.bytes + runs.bytes + letters.bytes + waiting.bytes,
    };
  }
}

// JetStream tells neither clients nor accounts how often it syncs: only what holds for every setting,
// and what to set, can be said.
function durability({ replicas, channel }: NatsStore): string {
  const { version, cluster } = channel.connection.info!;
  if (replicas === 1) {
    const sync = knowsSyncAlways(version)
      ? "a power cut may take what was not synced yet: two minutes of it by default, nothing with `sync_interval: always` in the server's jetstream block"
      : `a power cut may take up to two minutes: version ${version} cannot sync more often (2.10 and newer can, with \`sync_interval: always\`)`;
    return `on the disk of one NATS server: an acknowledged event survives the end of that server's process; ${sync}`;
  }
  return `on ${replicas} NATS servers of the cluster${cluster === undefined ? "" : ` "${cluster}"`}: an acknowledged event is in a majority's files and survives the loss of ${Math.floor((replicas - 1) / 2)} of them; a power cut at all of them at once may take what was not synced yet, unless their jetstream blocks say \`sync_interval: always\``;
}

function knowsSyncAlways(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 10);
}
