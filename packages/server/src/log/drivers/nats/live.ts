import type { Msg, Subscription } from "@nats-io/transport-node";
import type { Invocation } from "../../../core/invocation.ts";
import { Fanout } from "../../fanout.ts";
import type { LogEntry } from "../../log.ts";
import type { NatsStore } from "./store.ts";
import { decodeEvent, decodeJson } from "./wire.ts";

/**
 * What is stored from now on, by whichever process: the streams tell it once more on subjects that
 * somebody may listen to. Listened to only while somebody watches.
 */
export class Live {
  readonly #store: NatsStore;
  readonly #now: () => number;
  readonly #fanout = new Fanout();
  #subscriptions: Subscription[] = [];
  #watching = 0;

  constructor(store: NatsStore, now: () => number) {
    this.#store = store;
    this.#now = now;
    // What was stored while the connection was away nobody told; how much it was is not known.
    store.channel.onReconnect(() => this.#fanout.publish({ kind: "gap", missed: 1 }));
  }

  /** From now on: what this process sends after this call is told. */
  watch(signal: AbortSignal): AsyncIterable<LogEntry> {
    if (!signal.aborted) {
      this.#enter();
      signal.addEventListener("abort", () => this.#leave(), { once: true });
    }
    return this.#fanout.watch(signal);
  }

  close(): void {
    this.#fanout.close();
    this.#stop();
  }

  #enter(): void {
    this.#watching += 1;
    if (this.#watching > 1) return;
    const { channel, layout } = this.#store;
    const listen = (subject: string, callback: (message: Msg) => void): Subscription =>
      channel.connection.subscribe(subject, { callback: (_error, message) => callback(message) });
    this.#subscriptions = [
      listen(layout.live(`${layout.prefix}.ev.>`), (message) => this.#event(message)),
      listen(layout.live(`${layout.prefix}.rec.>`), (message) => {
        const invocation = decodeJson<Invocation>(message.data);
        this.#fanout.publish({ kind: "invocation", invocation });
      }),
    ];
  }

  #leave(): void {
    this.#watching -= 1;
    if (this.#watching === 0) this.#stop();
  }

  #stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#subscriptions = [];
  }

  #event(message: Msg): void {
    const position = Number(message.headers?.get("Nats-Sequence"));
    // Servers before 2.10 do not say when they stored it: then it is when it was heard of.
    const time = message.headers?.get("Nats-Time-Stamp") ?? "";
    const acceptedAt = time === "" ? this.#now() : Date.parse(time);
    const stored = decodeEvent(message, { position, acceptedAt });
    if (stored !== undefined) this.#fanout.publish({ kind: "event", stored });
  }
}
