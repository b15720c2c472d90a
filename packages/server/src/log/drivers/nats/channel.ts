import {
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type ServerInfo,
} from "@nats-io/transport-node";
import type { NexusError } from "../../../core/errors.ts";
import { Deque } from "../../deque.ts";
import { type Kept, keptOf, sendFailed, unavailable } from "./answers.ts";

interface Waiting {
  readonly answered: (message: Msg) => void;
  readonly failed: (error: NexusError) => void;
  readonly deadline: number;
}

/** Messages to JetStream that are not answered yet; a server drops what is too much for it. */
const MAX_IN_FLIGHT = 4096;
const SWEEP_MS = 250;

/**
 * The way to JetStream and its answers back. One inbox serves all of them, without a timer or a
 * subscription for each: the client's own `publish` takes a third more of this thread's time.
 *
 * While the connection is down everything is refused at once: what waits in a buffer is neither kept
 * nor refused, and its sender could not tell.
 */
export class Channel {
  readonly connection: NatsConnection;
  readonly #timeoutMs: number;
  readonly #inbox = createInbox();
  readonly #waiting = new Map<string, Waiting>();
  readonly #queue = new Deque<() => void>();
  readonly #reconnected = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;
  #unwritten: (() => void)[] = [];
  #drained: (() => void) | undefined;
  #server: ServerInfo;
  #next = 0;
  #up = true;
  #closed = false;

  constructor(connection: NatsConnection, options: { readonly timeoutMs: number }) {
    this.connection = connection;
    this.#server = connection.info!;
    this.#timeoutMs = options.timeoutMs;
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (_error, message) => this.#hear(message),
    });
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#timer.unref();
    void this.#follow();
  }

  get connected(): boolean {
    return this.#up && !this.#closed;
  }

  /** The server this process is connected to; while it is not, the last one: the client itself forgets it then. */
  get server(): ServerInfo {
    this.#server = this.connection.info ?? this.#server;
    return this.#server;
  }

  /** A name under which nobody else in this account receives. */
  newInbox(): string {
    return createInbox();
  }

  /** Calls back whenever the connection is there again after it was lost. */
  onReconnect(listener: () => void): void {
    this.#reconnected.add(listener);
  }

  /**
   * Resolves when a stream has stored the message, or had one on its subject that the headers did not
   * want to be followed. LOG_UNAVAILABLE, where it is not known whether it was stored, and LOG_FULL.
   */
  async publish(subject: string, data: Uint8Array, headers?: MsgHdrs): Promise<Kept> {
    return keptOf(await this.#ask(subject, data, headers), subject);
  }

  /** Acknowledges a delivery; resolves when the server knows. */
  async acknowledge(reply: string): Promise<void> {
    const { headers } = await this.#ask(reply, ACK);
    if (headers?.code === NO_RESPONDERS) throw unavailable("settle a delivery", NOBODY);
  }

  /** Sends what nobody answers. Lost where there is no connection. */
  send(subject: string, data: Uint8Array, reply?: string): void {
    if (!this.connected) return;
    this.#write(() => this.connection.publish(subject, data, reply === undefined ? {} : { reply }));
  }

  /** Waits for the answers to all that was sent, then refuses everything. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    this.flush();
    if (this.#up) await this.connection.flush().catch(() => undefined);
    this.#closed = true;
    clearInterval(this.#timer);
    this.#failAll("it is closed");
  }

  #ask(subject: string, data: Uint8Array, headers?: MsgHdrs): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const start = (): void => {
        if (!this.connected) {
          reject(unavailable("reach the event log", this.#closed ? "it is closed" : NO_CONNECTION));
          return;
        }
        const key = (this.#next++).toString(36);
        const deadline = performance.now() + this.#timeoutMs;
        this.#waiting.set(key, { answered: resolve, failed: reject, deadline });
        const reply = `${this.#inbox}.${key}`;
        const options = headers === undefined ? { reply } : { reply, headers };
        this.#write(() => {
          try {
            this.connection.publish(subject, data, options);
          } catch (error) {
            this.#end(key);
            reject(sendFailed(error));
          }
        });
      };
      if (this.#waiting.size < MAX_IN_FLIGHT || !this.connected) start();
      else this.#queue.push(start);
    });
  }

  /**
   * Writes with all that is written in this turn of the event loop: the client makes a system call for
   * each turn of the microtask queue, of which there are many in one.
   */
  #write(write: () => void): void {
    if (this.#unwritten.length === 0) setImmediate(() => this.flush());
    this.#unwritten.push(write);
  }

  /** Writes what waits for the end of this turn now: what the client itself sends after it comes after it. */
  flush(): void {
    const all = this.#unwritten;
    this.#unwritten = [];
    for (const write of all) write();
  }

  #hear(message: Msg): void {
    const key = message.subject.slice(this.#inbox.length + 1);
    // Undefined: it came too late.
    this.#end(key)?.answered(message);
  }

  /** Takes one off the list of those that wait, and lets the next one go. */
  #end(key: string): Waiting | undefined {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(key);
    this.#queue.shift()?.();
    if (this.#waiting.size === 0) this.#drained?.();
    return waiting;
  }

  #sweep(): void {
    const now = performance.now();
    for (const [key, { deadline, failed }] of this.#waiting) {
      if (deadline > now) break; // they were asked in order, with one patience
      this.#end(key);
      failed(
        unavailable("reach the event log", `NATS did not answer within ${this.#timeoutMs} ms`),
      );
    }
  }

  #failAll(how: string): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { failed } of all) failed(unavailable("reach the event log", how));
    for (let start = this.#queue.shift(); start !== undefined; start = this.#queue.shift()) start();
    this.#drained?.();
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === "disconnect" || type === "close" || type === "staleConnection") {
        this.#up = false;
        this.#failAll(NO_CONNECTION);
      } else if (type === "reconnect") {
        this.#up = true;
        for (const listener of this.#reconnected) listener();
      }
    }
  }
}

const ACK = Buffer.from("+ACK");
const NO_CONNECTION = "the connection to NATS is lost";
const NOBODY = "JetStream is not there, or has no such consumer";
const NO_RESPONDERS = 503;
