import {
  type ConsumerInfo,
  jetstreamManager,
  type JetStreamManager,
  type StoredMsg,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { NewEvent, StoredEvent } from "../../../core/event.ts";
import { isNotFound } from "../../../core/jetstream.ts";
import { atLeast, SEVERAL_FILTERS_VERSION } from "../../../core/nats-version.ts";
import type { Appended } from "../../log.ts";
import { type Kept, withJetStream } from "./answers.ts";
import { Channel } from "./channel.ts";
import { Layout } from "./layout.ts";
import { StreamReader, timeOf } from "./reader.ts";
import { decodeEvent, encodeEvent, encodeRun, type Message, onceOnly, type Run } from "./wire.ts";

// An event's head is in a header; ids, sources and types are short where they come through our doors.
const HEADERS_BYTES = 16 * 1024;

export interface StoreOptions {
  readonly connection: NatsConnection;
  readonly prefix: string;
  readonly timeoutMs: number;
}

/** What every part of the driver needs: the streams, the way to them, and the names of things in them. */
export class NatsStore {
  readonly manager: JetStreamManager;
  readonly channel: Channel;
  readonly layout: Layout;
  readonly events: StreamReader;
  readonly records: StreamReader;
  readonly retries: StreamReader;
  readonly dead: StreamReader;
  readonly values: StreamReader;
  /** Of each stream; known when they are there. */
  replicas = 1;
  /** Of the log that was imported here: the largest revision it had. Added to sequences. */
  revisionsBefore = 0;
  #held: Promise<unknown> | undefined;

  constructor(manager: JetStreamManager, options: StoreOptions) {
    this.manager = manager;
    this.channel = new Channel(options.connection, options);
    this.layout = new Layout(options.prefix);
    const reader = (stream: string): StreamReader =>
      new StreamReader(manager, stream, () => this.replicas > 1);
    this.events = reader(this.layout.events);
    this.records = reader(this.layout.records);
    this.retries = reader(this.layout.retries);
    this.dead = reader(this.layout.dead);
    this.values = reader(this.layout.values);
  }

  /** Whether the server takes several filters for one consumer: 2.10 does. */
  get severalFilters(): boolean {
    return atLeast(this.channel.server.version, SEVERAL_FILTERS_VERSION);
  }

  /** Lets events and records that are published from now on wait for `ready`, in their order. */
  holdUntil(ready: Promise<unknown>): void {
    this.#held = ready;
    void ready.finally(() => {
      if (this.#held === ready) this.#held = undefined;
    });
  }

  async publishEvent(input: NewEvent, claimedBy?: string): Promise<Appended> {
    if (this.#held !== undefined) await this.#held;
    const { headers, data } = encodeEvent(input, claimedBy);
    const kept = await this.channel.publish(this.layout.event(input), data, headers);
    return { status: kept.duplicate ? "duplicate" : "accepted", position: kept.sequence };
  }

  /** What JetStream says of a function's place in the log. */
  placeOf(name: string): Promise<ConsumerInfo> {
    return withJetStream(`look at the consumer of "${name}"`, () =>
      this.manager.consumers.info(this.layout.events, this.layout.consumer(name)),
    );
  }

  /**
   * Makes the server drop the requests that this process has just stopped to listen for: it looks through
   * them when it is asked about a consumer. Servers of 2.9 that have no other request mix up the order of
   * what is given back, and hand out some of it twice.
   */
  async forgetRequests(stream: string, consumer: string): Promise<void> {
    await this.manager.consumers.info(stream, consumer).catch(notNow);
  }

  /** The event at a position. */
  async eventAt(position: number): Promise<StoredEvent | undefined> {
    const message = await this.events.at(position);
    return message === undefined ? undefined : eventOf(message);
  }

  /** Whether a run of the function on the event at this position is on record. */
  async hasRecord(name: string, position: number): Promise<boolean> {
    return (await this.records.last(this.layout.recordsOf(position, name))) !== undefined;
  }

  /** Removes the note that a delivery comes again, after it has ended. */
  async removeAgain(sequence: number): Promise<void> {
    await remove(this.manager, this.layout.events, sequence);
  }

  /** What fits into one message, in bytes of an event's or a record's JSON. */
  get maxBytes(): number {
    return this.channel.server.max_payload - HEADERS_BYTES;
  }

  /**
   * Sent again, it is not kept twice. A record that does not fit into a message is cut, and says so; a
   * recording that does not fit beside its record is left out.
   */
  async publishRun(run: Run): Promise<Kept> {
    if (this.#held !== undefined) await this.#held;
    const { headers, data } = encodeRun(run, { head: onceOnly(), maxBytes: this.maxBytes });
    return this.channel.publish(this.layout.record(run.invocation), data, headers);
  }
}

/** NATS is away: so are the requests. */
function notNow(): void {}

/** The event of a stored message; undefined: it is none. */
export function eventOf(message: StoredMsg): StoredEvent | undefined {
  return decodeEvent(messageOf(message), { position: message.seq, acceptedAt: timeOf(message) });
}

/** The same message as one that a consumer hands out. */
export function messageOf({ header: headers, data }: StoredMsg): Message {
  return { headers, data };
}

/** Removes the messages before this sequence, of one subject where it is named; resolves with how many. LOG_UNAVAILABLE. */
export async function purgeBefore(
  { manager }: Pick<NatsStore, "manager">,
  { stream, before, filter }: { stream: string; before: number; filter?: string },
): Promise<number> {
  if (before <= 1) return 0; // nothing is before it, and the server would take it for everything
  return withJetStream(`remove what is old from ${stream}`, async () => {
    const options = { seq: before, ...(filter === undefined ? {} : { filter }) };
    return (await manager.streams.purge(stream, options)).purged;
  });
}

/** Removes one message. False: it was not there. LOG_UNAVAILABLE. */
export function remove(
  manager: JetStreamManager,
  stream: string,
  sequence: number,
): Promise<boolean> {
  return withJetStream(`remove a message from ${stream}`, async () => {
    try {
      return await manager.streams.deleteMessage(stream, sequence, false);
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  });
}

export async function openNatsStore(options: StoreOptions): Promise<NatsStore> {
  const manager = await jetstreamManager(options.connection, {
    timeout: options.timeoutMs,
    checkAPI: false,
  });
  return new NatsStore(manager, options);
}
