import { NexusError } from "../../../core/errors.ts";
import type { LogStatus } from "../../log.ts";
import { durability } from "./durability.ts";
import type { NatsStore } from "./store.ts";

type Counts = Omit<LogStatus, "driver" | "connected" | "durability">;

/** What is known of the log; the counts of the last time while NATS cannot be reached. */
export class Status {
  readonly #store: NatsStore;
  #last: Counts = {
    copies: 0,
    copiesWanted: 0,
    tail: 0,
    events: 0,
    invocations: 0,
    deadLetters: 0,
    bytes: 0,
  };

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
    return { driver: "nats", connected, durability: promised(this.#store), ...this.#last };
  }

  async #counts(): Promise<Counts> {
    const { events, records, retries, dead, values } = this.#store;
    const all = await Promise.all([
      events.state(),
      records.state(),
      dead.state(),
      retries.state(),
      values.state(),
    ]);
    const [log, runs, letters] = all;
    return {
      copies: Math.min(...all.map(({ copies }) => copies)),
      copiesWanted: Math.max(...all.map(({ copiesWanted }) => copiesWanted)),
      tail: log.last,
      events: log.messages,
      invocations: runs.messages,
      deadLetters: letters.messages,
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }
}

function promised({ replicas, channel }: NatsStore): string {
  const { version, cluster } = channel.server;
  return durability({ replicas, version, cluster });
}
