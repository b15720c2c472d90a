import type { Subscription } from "@nats-io/transport-node";
import { uuidv7 } from "../../../core/ids.ts";
import type { NewEvent } from "../../../core/event.ts";
import { NexusError } from "../../../core/errors.ts";
import type { Claim, Claimed, Delivery } from "../../log.ts";
import { drop } from "./flights.ts";
import type { Pulled } from "./pull.ts";
import type { NatsStore } from "./store.ts";

interface Held {
  /** Where to acknowledge it, once JetStream has handed it out to this process as well. */
  reply: string | undefined;
  state: "running" | "settling" | "settled";
  readonly whenSettled: Set<() => void>;
}

/** What becomes of a claimed event that JetStream hands to a process. */
export type ClaimState = "ours" | "settled" | "running" | "lost";

/** How long another process is asked to wait for the end of a run. */
const PATIENCE_MS = 2_000;
/** Settled claims that JetStream has not handed out yet; of older ones their records tell. */
const MAX_REMEMBERED = 50_000;

const WORKING = Buffer.from("+WPI");
const SETTLED = "settled";

/**
 * Events that this process runs before they are durable. JetStream hands them out like all others, to
 * this process or another, which must not run them again: the message names its claimer, and that one
 * is asked under a subject of its own. Where nobody answers any more it is gone, and its runs with it.
 */
export class Claims {
  readonly id = uuidv7(Date.now());
  readonly #store: NatsStore;
  readonly #now: () => number;
  readonly #held = new Map<string, Held>();
  readonly #byDelivery = new WeakMap<Delivery, string>();
  readonly #subscription: Subscription;

  constructor(store: NatsStore, now: () => number) {
    this.#store = store;
    this.#now = now;
    const { channel, layout } = store;
    this.#subscription = channel.connection.subscribe(layout.node(this.id), {
      callback: (_error, message) => {
        this.#whenSettled(message.string(), (state) => message.respond(state));
      },
    });
  }

  claim(event: NewEvent, name: string): Claim {
    const subject = this.#store.layout.event(event);
    const held: Held = { reply: undefined, state: "running", whenSettled: new Set() };
    const mine = !this.#held.has(subject);
    if (mine) this.#held.set(subject, held);
    return { event, durable: this.#keep(event, name, mine ? subject : undefined) };
  }

  /** Whether this delivery was claimed, and not handed out by a consumer. */
  has(delivery: Delivery): boolean {
    return this.#byDelivery.has(delivery);
  }

  /** Settles with `keep`, which puts everything on the disk. INTERNAL where that was done already. */
  async settle(delivery: Delivery, keep: () => Promise<void>): Promise<void> {
    const held = this.#held.get(this.#byDelivery.get(delivery)!);
    if (held === undefined || held.state !== "running") {
      throw new NexusError(
        "INTERNAL",
        `Cannot settle event ${delivery.stored.position} for "${delivery.name}": it is settled already`,
      );
    }
    held.state = "settling";
    try {
      await keep();
    } catch (error) {
      held.state = "running";
      throw error;
    }
    held.state = "settled";
    for (const tell of held.whenSettled) tell();
    if (held.reply !== undefined) this.#forget(this.#byDelivery.get(delivery)!, held.reply);
    else this.#forgetOldest();
  }

  /** JetStream has handed out a claimed event to this process: takes it, or says what is known of it. */
  async arrived(
    { message, reply }: Pulled,
    claimer: string,
    recorded: () => Promise<boolean>,
  ): Promise<ClaimState> {
    if (claimer === this.id) {
      const held = this.#held.get(message.subject);
      if (held?.state === "settled") {
        this.#forget(message.subject, reply);
        return "ours";
      }
      if (held !== undefined) {
        held.reply = reply;
        return "ours";
      }
    } else {
      const answer = await this.#ask(claimer, message.subject);
      if (answer !== undefined) return answer;
    }
    return (await recorded()) ? "settled" : "lost";
  }

  /** Tells JetStream that what runs is still worked on. */
  stillWorking(): void {
    for (const { reply } of this.#held.values()) {
      if (reply !== undefined) this.#store.channel.send(reply, WORKING);
    }
  }

  stop(): void {
    this.#subscription.unsubscribe();
    for (const { reply, state } of this.#held.values()) {
      if (reply !== undefined && state !== "settled") {
        this.#store.channel.send(reply, Buffer.from("-NAK"));
      }
    }
  }

  /** `subject`: where it is held; undefined: another claim of this process holds the same event. */
  async #keep(event: NewEvent, name: string, subject: string | undefined): Promise<Claimed> {
    try {
      const appended = await this.#store.publishEvent(event, this.id);
      if (appended.status === "duplicate" || subject === undefined) {
        if (subject !== undefined) this.#held.delete(subject);
        return { status: "duplicate", position: appended.position, delivery: undefined };
      }
      // The time is this process's own, close to the store's: the run is over before anybody could ask.
      const stored = Object.freeze({
        ...event,
        position: appended.position,
        acceptedAt: this.#now(),
      });
      const delivery = Object.freeze({ name, stored, attempt: 1 });
      this.#byDelivery.set(delivery, subject);
      return { ...appended, delivery };
    } catch (error) {
      if (subject !== undefined) this.#held.delete(subject);
      throw error;
    }
  }

  async #ask(claimer: string, subject: string): Promise<ClaimState | undefined> {
    const { channel, layout } = this.#store;
    try {
      const answer = await channel.connection.request(layout.node(claimer), subject, {
        timeout: 2 * PATIENCE_MS,
      });
      const state = answer.string();
      return state === "settled" || state === "running" ? state : undefined;
    } catch {
      return undefined; // nobody is there any more
    }
  }

  #whenSettled(subject: string, answer: (state: string) => void): void {
    const held = this.#held.get(subject);
    if (held === undefined || held.state === "settled") {
      answer(held === undefined ? "unknown" : SETTLED);
      return;
    }
    const tell = (): void => {
      clearTimeout(timer);
      held.whenSettled.delete(tell);
      answer(held.state === "settled" ? SETTLED : "running");
    };
    const timer = setTimeout(tell, PATIENCE_MS);
    timer.unref();
    held.whenSettled.add(tell);
  }

  #forget(subject: string, reply: string): void {
    this.#held.delete(subject);
    drop(this.#store.channel, reply);
  }

  #forgetOldest(): void {
    if (this.#held.size <= MAX_REMEMBERED) return;
    for (const [subject, { state }] of this.#held) {
      if (state !== "settled") continue;
      this.#held.delete(subject);
      return;
    }
  }
}
