import type { Invocation } from "../../../core/invocation.ts";
import { Deque } from "../../deque.ts";
import { Fanout } from "../../fanout.ts";
import type { LogEntry } from "../../log.ts";
import { Follower } from "./follower.ts";
import type { Pulled } from "./pull.ts";
import type { NatsStore } from "./store.ts";
import { decodeEvent, decodeRecord } from "./wire.ts";

/** Calls with `?wait=` watch one after the other: the next one finds the streams followed. */
const LINGER_MS = 10_000;
/** How long a record waits for its event, which retention may have removed in between. */
const PATIENCE_MS = 1_000;

/** What is stored from now on, by whichever process. The streams are followed only while somebody watches. */
export class Live {
  readonly #store: NatsStore;
  readonly #fanout = new Fanout();
  /** Records that were read before their event was. */
  readonly #early = new Deque<Invocation>();
  #followers: { readonly events: Follower; readonly records: Follower } | undefined;
  #watching = 0;
  #linger: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;

  constructor(store: NatsStore) {
    this.#store = store;
    store.channel.onReconnect(() => {
      this.#followers?.events.restart();
      this.#followers?.records.restart();
    });
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
    clearTimeout(this.#linger);
    if (this.#followers !== undefined) return;
    const onGap = (missed: number): void => this.#fanout.publish({ kind: "gap", missed });
    const { events, records } = this.#store;
    this.#followers = {
      events: new Follower(this.#store, events, { onGap, onMessage: (one) => this.#event(one) }),
      records: new Follower(this.#store, records, { onGap, onMessage: (one) => this.#record(one) }),
    };
    const started = [this.#followers.events.start(), this.#followers.records.start()];
    this.#store.holdUntil(Promise.all(started));
  }

  #leave(): void {
    this.#watching -= 1;
    if (this.#watching > 0) return;
    clearTimeout(this.#linger);
    this.#linger = setTimeout(() => this.#stop(), LINGER_MS);
    this.#linger.unref();
  }

  #stop(): void {
    clearTimeout(this.#linger);
    clearTimeout(this.#patience);
    this.#followers?.events.stop();
    this.#followers?.records.stop();
    this.#followers = undefined;
    this.#early.clear();
  }

  #event({ message, sequence, storedAt }: Pulled): void {
    const stored = decodeEvent(message, { position: sequence, acceptedAt: storedAt });
    if (stored !== undefined) this.#fanout.publish({ kind: "event", stored });
    if (this.#early.length > 0) this.#tellEarly(sequence);
  }

  /** Two streams come by two ways: a record that overtook its event waits for it, and those behind it too. */
  #record({ message }: Pulled): void {
    const invocation = decodeRecord(message);
    if (this.#early.length === 0 && invocation.position <= this.#followers!.events.seen) {
      this.#fanout.publish({ kind: "invocation", invocation });
      return;
    }
    this.#early.push(invocation);
    if (this.#early.length > 1) return;
    this.#patience = setTimeout(() => this.#tellEarly(Infinity), PATIENCE_MS);
    this.#patience.unref();
  }

  #tellEarly(upTo: number): void {
    for (;;) {
      const invocation = this.#early.peek();
      if (invocation === undefined || invocation.position > upTo) return;
      this.#early.shift();
      this.#fanout.publish({ kind: "invocation", invocation });
      if (this.#early.length === 0) clearTimeout(this.#patience);
    }
  }
}
