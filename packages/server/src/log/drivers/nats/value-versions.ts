import type { MsgRequest, NextMsgRequest } from "@nats-io/jetstream";
import { isNotFound } from "../../../core/jetstream.ts";
import { unavailable, withJetStream } from "./answers.ts";
import type { NatsStore } from "./store.ts";
import { decodeValue, type KeptValue } from "./value-messages.ts";

/** What a key's messages come to. */
export interface KeyState {
  /** What the entry is, or what it left. Undefined: there is no message. */
  readonly current: KeptValue | undefined;
  /** Sequence of the last message, whatever it is worth; 0: there is none. */
  readonly last: number;
}

/** What else is written meanwhile may be in the way of a read so often. */
const MOST_TRIES = 20;

/**
 * Reads keys, as the stream's leader has them.
 *
 * Where a stream has several copies, nats-server compares the sequence that a message expects before it lets
 * the copies agree, and not when they have: of two that come within the same milliseconds both are stored,
 * and acknowledged (nats-io/nats-server issue 4320; since 2.9.21 only where the leader changes in between,
 * issue 8469). So each message says itself which one it follows, and one that does not follow the entry
 * there was counts as nothing, for every reader. A stream with several copies keeps some messages of each
 * key, so that this can be told; what is removed of a key is everything before an entry, and the first
 * message that is left is always one that counts.
 */
export class KeyReader {
  readonly #store: NatsStore;
  readonly #copies: () => number;

  /** `copies`: of the stream. */
  constructor(store: NatsStore, copies: () => number) {
    this.#store = store;
    this.#copies = copies;
  }

  async read(subject: string): Promise<KeyState> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const last = await this.#get({ last_by_subj: subject });
      if (last === undefined) return { current: undefined, last: 0 };
      const current = await this.#worth(subject, last);
      if (current !== undefined) return { current, last: last.sequence };
    }
    throw unavailable("read state", "its messages change faster than they can be read");
  }

  /**
   * Whether a message that was stored counts. LOG_UNAVAILABLE where so many came after it that this cannot
   * be told.
   */
  async counts(subject: string, sequence: number, after: number): Promise<boolean> {
    const written = { sequence, after };
    const current = await this.#worth(subject, written);
    if (current === undefined) {
      throw unavailable("keep a value", "it is not known whether it was, so many others came");
    }
    // If not it stays: nats-server 2.9 finds no last message on a subject whose last one was removed.
    return current.sequence === sequence;
  }

  /**
   * The entry when this message was the last: itself, or an earlier one that it does not follow. Undefined:
   * the message is not there any more.
   */
  async #worth<T extends Pick<KeptValue, "sequence" | "after">>(
    subject: string,
    last: T,
  ): Promise<T | KeptValue | undefined> {
    const { after } = last;
    // Undefined: whatever there was, it goes.
    if (after === undefined || this.#copies() === 1) return last;
    // Seen with nats-server 2.9.10 after a leader was killed: another copy numbers its messages otherwise.
    // Nothing follows a later one, so that this tells nothing, and the last one holds.
    if (after >= last.sequence) return last;
    let message = await this.#next(subject, after + 1);
    if (message?.sequence === last.sequence) return last;
    // Others are in between. The one it follows counted; where that is gone, the first that is left does.
    message = await this.#next(subject, after);
    let current = message;
    while (message !== undefined && message.sequence < last.sequence) {
      message = await this.#next(subject, message.sequence + 1);
      if (message === undefined) break;
      if (message.after === undefined || message.after === current?.sequence) current = message;
    }
    return message?.sequence === last.sequence ? current : undefined;
  }

  #next(subject: string, from: number): Promise<KeptValue | undefined> {
    return this.#get({ seq: Math.max(1, from), next_by_subj: subject });
  }

  /** Not a direct read: any server would answer that, and may be behind. */
  #get(query: MsgRequest | NextMsgRequest): Promise<KeptValue | undefined> {
    const { manager, layout, channel } = this.#store;
    return withJetStream(`read from ${layout.values}`, async () => {
      // A request would wait for the connection, and for an answer that was lost with it.
      if (!channel.connected) throw unavailable("read state", "the connection to NATS is lost");
      try {
        // The client's type leaves out what servers take for this call too.
        const found = await manager.streams.getMessage(layout.values, query as MsgRequest);
        return found === null ? undefined : decodeValue(found);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    });
  }
}
