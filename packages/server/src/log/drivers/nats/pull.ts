import type { Msg, Subscription } from "@nats-io/transport-node";
import type { Channel } from "./channel.ts";

/** One message of a consumer, as JetStream hands it out. */
export interface Pulled {
  readonly message: Msg;
  /** Sequence in the stream. */
  readonly sequence: number;
  /** How many messages the consumer had handed out, to whomever, with this one. */
  readonly handedOut: number;
  /** When the stream stored it: milliseconds since the Unix epoch. */
  readonly storedAt: number;
  /** Messages that the consumer has still to hand out. */
  readonly pending: number;
  /** Where to acknowledge it. */
  readonly reply: string;
}

export interface PullOptions {
  readonly stream: string;
  readonly consumer: string;
  /** How many more messages there is room for, without those that were asked for already. */
  readonly room: () => number;
  readonly onMessage: (pulled: Pulled) => void;
  /** How long the server keeps a request, in milliseconds. */
  readonly expiresMs?: number;
  /** JetStream does not know the consumer (any more). */
  readonly onMissing: () => void;
}

const EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 5_000;
/** In a request's life; a server takes no fewer than two. */
const HEARTBEATS = 4;
/** Longer than any heartbeat takes; on a busy machine too. */
const SILENT_MS = 2 * HEARTBEAT_MS;
/** At a time; JetStream serves the requests of several processes in turn. */
const MAX_BATCH = 256;

/**
 * Asks one consumer for messages, never for more than there is room for. The client's own pull loops
 * take a fixed number of messages; here the room changes with every run that begins or ends.
 */
export class Pull {
  readonly #channel: Channel;
  readonly #options: PullOptions;
  readonly #inbox: string;
  readonly #expiresMs: number;
  readonly #heartbeatMs: number;
  readonly #subscription: Subscription;
  readonly #watch: NodeJS.Timeout;
  /** Messages that were asked for and have not come. */
  #asked = 0;
  #heardAt = 0;
  #stopped = false;

  constructor(channel: Channel, options: PullOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#inbox = channel.newInbox();
    this.#expiresMs = options.expiresMs ?? EXPIRES_MS;
    this.#heartbeatMs = Math.min(HEARTBEAT_MS, this.#expiresMs / HEARTBEATS);
    this.#subscription = channel.connection.subscribe(this.#inbox, {
      callback: (_error, message) => this.#hear(message),
    });
    this.#watch = setInterval(() => this.#dropSilent(), this.#heartbeatMs);
    this.#watch.unref();
  }

  /** Asks for what there is room for. Call it whenever room may have come about. */
  more(): void {
    if (this.#stopped || !this.#channel.connected) return;
    const wanted = Math.min(this.#options.room(), MAX_BATCH);
    const batch = wanted - this.#asked;
    // Few requests for much each: one for every run that ends would double the messages.
    if (batch <= 0 || (this.#asked > 0 && batch < wanted / 4)) return;
    if (this.#asked === 0) this.#heardAt = performance.now();
    this.#asked += batch;
    const { stream, consumer } = this.#options;
    const [expires, idle_heartbeat] = [this.#expiresMs, this.#heartbeatMs].map(nanoseconds);
    const body = { batch, expires, idle_heartbeat };
    this.#channel.send(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
      Buffer.from(JSON.stringify(body)),
      this.#inbox,
    );
  }

  /** Forgets what was asked for, as the server has when its connection was lost, and asks again. */
  restart(): void {
    this.#asked = 0;
    this.more();
  }

  /** Asks for nothing more. Resolves when all that was on its way here has come, and been handed on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#watch);
    this.#channel.flush();
    if (this.#channel.connected) await this.#subscription.drain();
    // Or it would be back with the connection, and hand on messages to whoever stopped listening.
    else this.#subscription.unsubscribe();
  }

  #hear(message: Msg): void {
    this.#heardAt = performance.now();
    const status = message.headers?.code ?? 0;
    if (status === HEARTBEAT) return;
    if (status > 0) {
      // A request has ended; what it did not bring is said with it.
      this.#came(Number(message.headers?.get("Nats-Pending-Messages") ?? 0));
      if (this.#stopped) return;
      if (status === NO_RESPONDERS || status === CONFLICT) this.#options.onMissing();
      else this.more();
      return;
    }
    this.#came(1);
    this.#options.onMessage(pulledOf(message));
    this.more();
  }

  #came(count: number): void {
    this.#asked = Math.max(0, this.#asked - count);
  }

  /** What the server forgot (it was restarted, or lost its leader) would be waited for without end. */
  #dropSilent(): void {
    if (performance.now() - this.#heardAt > SILENT_MS) this.#asked = 0;
    this.more();
  }
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}

const HEARTBEAT = 100;
const CONFLICT = 409;
const NO_RESPONDERS = 503;

// `$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<consumer sequence>.<nanoseconds>.<pending>`; with a
// domain and an account's hash before the stream where there are some, and then one more at the end.
function pulledOf(message: Msg): Pulled {
  const reply = message.reply!;
  const tokens = reply.split(".");
  const at = tokens.length > 9 ? 7 : 5;
  return {
    message,
    sequence: Number(tokens[at]),
    handedOut: Number(tokens[at + 1]),
    storedAt: Number(tokens[at + 2]!.slice(0, -6)),
    pending: Number(tokens[at + 3]),
    reply,
  };
}
