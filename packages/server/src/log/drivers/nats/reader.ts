import type { JetStreamManager, StoredMsg, StreamInfo } from "@nats-io/jetstream";
import { isNotFound } from "../../../core/jetstream.ts";
import { withJetStream } from "./answers.ts";
import { acceptedElsewhere } from "./wire.ts";

/** What a stream holds, from the first message on. */
export interface StreamState {
  readonly messages: number;
  readonly bytes: number;
  /** Sequence of the oldest message; where there is none, that of the next one. */
  readonly first: number;
  /** Sequence of the newest message there ever was. */
  readonly last: number;
  /** Servers that have all of it. */
  readonly copies: number;
  readonly copiesWanted: number;
}

/**
 * Reads one stream. Messages are asked for directly, which any replica answers; one that does not know
 * a message yet is not believed, and the leader is asked. Everything rejects with LOG_UNAVAILABLE.
 */
export class StreamReader {
  readonly stream: string;
  readonly #manager: JetStreamManager;
  readonly #replicated: () => boolean;

  constructor(manager: JetStreamManager, stream: string, replicated: () => boolean) {
    this.stream = stream;
    this.#manager = manager;
    this.#replicated = replicated;
  }

  async at(sequence: number): Promise<StoredMsg | undefined> {
    return this.#get({ seq: sequence });
  }

  /** The newest message on a subject, which may hold wildcards. */
  async last(subject: string): Promise<StoredMsg | undefined> {
    return this.#get({ last_by_subj: subject });
  }

  /** The first message at this sequence or after it on a subject, which may hold wildcards. */
  async next(subject: string, sequence: number): Promise<StoredMsg | undefined> {
    return withJetStream(`read from ${this.stream}`, async () => {
      const query = { seq: Math.max(1, sequence), next_by_subj: subject };
      return (await this.#manager.direct.getMessage(this.stream, query)) ?? undefined;
    });
  }

  async state(): Promise<StreamState> {
    return withJetStream(`look at ${this.stream}`, async () => {
      const info = await this.#manager.streams.info(this.stream);
      const { messages, bytes, first_seq: first, last_seq: last } = info.state;
      return {
        messages,
        bytes,
        first: messages === 0 ? last + 1 : first,
        last,
        copies: copiesOf(info),
        copiesWanted: info.config.num_replicas,
      };
    });
  }

  /** The subjects that fit, wildcards allowed. */
  async subjects(filter: string): Promise<string[]> {
    return [...(await this.counts(filter)).keys()];
  }

  /** The subjects that fit, wildcards allowed, each with the number of its messages. */
  async counts(filter: string): Promise<Map<string, number>> {
    return withJetStream(`look at ${this.stream}`, async () => {
      const info = await this.#manager.streams.info(this.stream, { subjects_filter: filter });
      return new Map(Object.entries(info.state.subjects ?? {}));
    });
  }

  /** Sequence of the first message stored at this time or later; the one after the last if there is none. */
  async since(timeMs: number): Promise<number> {
    const { first, last } = await this.state();
    let low = first;
    let high = last + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = await this.next(">", middle);
      if (found === undefined || found.seq >= high) high = middle;
      else if (timeOf(found) < timeMs) low = found.seq + 1;
      else high = middle;
    }
    return low;
  }

  async #get(query: { seq: number } | { last_by_subj: string }): Promise<StoredMsg | undefined> {
    return withJetStream(`read from ${this.stream}`, async () => {
      const found = await this.#manager.direct.getMessage(this.stream, query);
      if (found !== null || !this.#replicated()) return found ?? undefined;
      try {
        return (await this.#manager.streams.getMessage(this.stream, query)) ?? undefined;
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    });
  }
}

/**
 * When a message was stored, by the server's clock; of what was imported, when it was in the log it comes
 * from. Milliseconds since the Unix epoch.
 */
export function timeOf(message: StoredMsg): number {
  return acceptedElsewhere(message.header) ?? message.time.getTime();
}

/** The leader has all; of the others, those that are there and not behind. */
function copiesOf({ cluster }: StreamInfo): number {
  const others = cluster?.replicas ?? [];
  return 1 + others.filter(({ current, offline }) => current && !offline).length;
}
