import { setTimeout as delay } from "node:timers/promises";
import { NexusError } from "../../../core/errors.ts";
import { withJetStream } from "./answers.ts";
import type { NatsStore } from "./store.ts";
import { expecting, encodeJson, onceOnly } from "./wire.ts";

export interface LeaseOptions {
  /** How long a holder may be silent, in milliseconds. */
  readonly leaseMs: number;
  /** Who asks, for people who look. */
  readonly holder: string;
}

export interface Lease {
  /** Aborts when the lease is lost: another may hold it from then on. */
  readonly lost: AbortSignal;
  /** Gives it back, so that nobody has to wait until it runs out. */
  release(): Promise<void>;
}

/**
 * Waits until this process is the one that runs a function's deliveries in order. A lease is a message
 * that the stream takes only as the first on its subject, and that runs out by the server's clock unless
 * it is renewed. Undefined when `signal` aborts first.
 */
export async function takeLease(
  store: NatsStore,
  name: string,
  options: LeaseOptions & { readonly signal: AbortSignal },
): Promise<Lease | undefined> {
  const { leaseMs, signal, holder } = options;
  const { channel, layout } = store;
  const subject = layout.lease(name);
  const note = encodeJson({ holder, function: name });
  while (!signal.aborted) {
    const asked = performance.now();
    const kept = await tried(() => channel.publish(subject, note, onceOnly()));
    if (kept !== undefined && !kept.duplicate) {
      return new Held(store, { subject, note, leaseMs, sequence: kept.sequence, asked });
    }
    await delay(leaseMs / 5, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

class Held implements Lease {
  readonly #store: NatsStore;
  readonly #lost = new AbortController();
  readonly #subject: string;
  readonly #note: Uint8Array;
  readonly #leaseMs: number;
  readonly #timer: NodeJS.Timeout;
  #sequence: number;
  #renewed: number;
  #renewing = false;

  constructor(
    store: NatsStore,
    lease: { subject: string; note: Uint8Array; leaseMs: number; sequence: number; asked: number },
  ) {
    this.#store = store;
    this.#subject = lease.subject;
    this.#note = lease.note;
    this.#leaseMs = lease.leaseMs;
    this.#sequence = lease.sequence;
    this.#renewed = lease.asked;
    this.#timer = setInterval(() => void this.#renew(), lease.leaseMs / 5);
    this.#timer.unref();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#lost.signal.aborted) return;
    this.#lost.abort();
    const { manager, layout } = this.#store;
    await tried(() =>
      withJetStream("give back a lease", () =>
        manager.streams.deleteMessage(layout.leases, this.#sequence, false),
      ),
    );
  }

  async #renew(): Promise<void> {
    // Counted from when it was asked for: the server's clock began no earlier.
    const asked = performance.now();
    if (asked - this.#renewed > this.#leaseMs * 0.8) this.#lose();
    if (this.#renewing || this.#lost.signal.aborted) return;
    this.#renewing = true;
    const { channel } = this.#store;
    const expected = expecting(this.#sequence);
    const kept = await tried(() => channel.publish(this.#subject, this.#note, expected));
    this.#renewing = false;
    if (kept === undefined) return; // not reached; there is some time left
    if (kept.duplicate) {
      this.#lose();
      return;
    }
    this.#sequence = kept.sequence;
    this.#renewed = asked;
  }

  #lose(): void {
    clearInterval(this.#timer);
    this.#lost.abort();
  }
}

/** Undefined: NATS cannot be reached now. */
async function tried<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof NexusError) return undefined;
    throw error;
  }
}
