import { setTimeout as delay } from "node:timers/promises";
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { withJetStream } from "./answers.ts";
import { Pull, type Pulled } from "./pull.ts";
import type { StreamReader } from "./reader.ts";
import type { NatsStore } from "./store.ts";

export interface Following {
  /** Each message that is stored from `start` on, in the order of the stream. */
  readonly onMessage: (pulled: Pulled) => void;
  /** So many messages, or at least one, went by unseen: the stream had dropped them, or began anew. */
  readonly onGap: (missed: number) => void;
}

const ROOM = 512;
const AGAIN_MS = 500;
/** How long the server keeps a consumer that nobody asks. */
const INACTIVE_MS = 60_000;

/**
 * Reads what a stream stores from now on, through a consumer that is gone with its reader. It remembers
 * how far it is, so that a lost connection, server or consumer loses nothing that the stream still holds.
 * (Letting the stream itself republish costs the server half again as much for every message, read by
 * somebody or not: docs/performance.md.)
 */
export class Follower {
  readonly #store: NatsStore;
  readonly #reader: StreamReader;
  readonly #following: Following;
  readonly #stopped = new AbortController();
  #seen = 0;
  #known = false;
  #pull: Pull | undefined;
  #consumer: string | undefined;
  #opening = false;

  constructor(store: NatsStore, reader: StreamReader, following: Following) {
    this.#store = store;
    this.#reader = reader;
    this.#following = following;
  }

  /** Sequence of the last message that was told, or that was there before. */
  get seen(): number {
    return this.#seen;
  }

  /** Resolves when all that is stored from then on will be told, at the latest when NATS is there again. */
  async start(): Promise<void> {
    try {
      this.#seen = (await this.#reader.state()).last;
      this.#known = true;
    } catch {
      // It stays unknown: the first look that succeeds tells of a gap.
    }
    void this.#open();
  }

  /** Goes on behind what was seen, as after a lost connection: the server may have forgotten the consumer. */
  restart(): void {
    void this.#open();
  }

  stop(): void {
    this.#stopped.abort();
    this.#drop();
  }

  async #open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    this.#drop();
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#openNow(signal);
        break;
      } catch {
        await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    this.#opening = false;
  }

  async #openNow(signal: AbortSignal): Promise<void> {
    const { stream } = this.#reader;
    await this.#lookForGap();
    const { name } = await withJetStream(`follow ${stream}`, () =>
      this.#store.manager.consumers.add(stream, {
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: this.#seen + 1,
        inactive_threshold: INACTIVE_MS * 1e6,
        mem_storage: true,
        num_replicas: 1,
      }),
    );
    this.#consumer = name;
    if (signal.aborted) return this.#drop();
    const pull = new Pull(this.#store.channel, {
      stream,
      consumer: name,
      room: () => ROOM,
      onMessage: (pulled) => {
        // What an earlier consumer still hands out was told, or is told again by this one.
        if (this.#pull !== pull || pulled.sequence <= this.#seen) return;
        this.#seen = pulled.sequence;
        this.#following.onMessage(pulled);
      },
      onMissing: () => {
        if (this.#pull === pull) void this.#open();
      },
    });
    this.#pull = pull;
    pull.more();
  }

  async #lookForGap(): Promise<void> {
    const { first, last } = await this.#reader.state();
    const lost = !this.#known || last < this.#seen;
    const missed = lost ? 1 : first - this.#seen - 1;
    if (lost) this.#seen = last;
    else this.#seen = Math.max(this.#seen, first - 1);
    this.#known = true;
    if (missed > 0) this.#following.onGap(missed);
  }

  #drop(): void {
    const [pull, consumer] = [this.#pull, this.#consumer];
    this.#pull = undefined;
    this.#consumer = undefined;
    void pull?.stop();
    if (consumer === undefined || !this.#store.channel.connected) return;
    // Where that fails, the server drops it by itself after a while.
    this.#store.manager.consumers.delete(this.#reader.stream, consumer).catch(() => undefined);
  }
}
