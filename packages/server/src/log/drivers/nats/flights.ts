import type { StoredEvent } from "../../../core/event.ts";
import { NexusError } from "../../../core/errors.ts";
import type { Delivery } from "../../log.ts";
import type { Channel } from "./channel.ts";

/** A message that JetStream gave this process and that is not acknowledged yet. */
export interface Flight {
  /** Sequence of the message; of the event itself, or of the note that it comes again. */
  readonly sequence: number;
  readonly stored: StoredEvent;
  /** Whether the message is a note that the event comes again: it goes when it is done. */
  readonly again: boolean;
  /** The consumer's own count of it; changes as `reply` does. */
  handedOut: number;
  /** Where to acknowledge; changes when JetStream hands the message out once more. */
  reply: string;
  attempt: number;
  /** `held`: it waits for its key or its time. `settling`: settled, and that is on its way to NATS. */
  state: "held" | "ready" | "out" | "settling";
  key: string | undefined;
  timer: NodeJS.Timeout | undefined;
}

const WORKING = Buffer.from("+WPI");
const NOT_NOW = Buffer.from("-NAK");
const DONE = Buffer.from("+ACK");

/** The flights of one consumer in this process. */
export class Flights {
  readonly #channel: Channel;
  readonly #bySequence = new Map<number, Flight>();
  readonly #byDelivery = new WeakMap<Delivery, Flight>();

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  get size(): number {
    return this.#bySequence.size;
  }

  get(sequence: number): Flight | undefined {
    return this.#bySequence.get(sequence);
  }

  all(): IterableIterator<Flight> {
    return this.#bySequence.values();
  }

  /** Of the first `handedOut` messages of the consumer, those that are here for certain. */
  countOf(handedOut: number): number {
    let count = 0;
    for (const flight of this.#bySequence.values()) {
      // One that is being settled may be acknowledged, and no more be counted by the server.
      if (flight.handedOut <= handedOut && flight.state !== "settling") count += 1;
    }
    return count;
  }

  /** One that has arrived, and is held. */
  add(arrived: Omit<Flight, "state" | "key" | "timer">): Flight {
    const flight: Flight = { ...arrived, state: "held", key: undefined, timer: undefined };
    this.#bySequence.set(flight.sequence, flight);
    return flight;
  }

  handOut(flight: Flight, name: string): Delivery {
    const { stored, attempt } = flight;
    const delivery = Object.freeze({ name, stored, attempt });
    this.#byDelivery.set(delivery, flight);
    return delivery;
  }

  /** INTERNAL, where the delivery is not one that can be settled. */
  toSettle(delivery: Delivery): Flight {
    const flight = this.#byDelivery.get(delivery);
    if (flight !== undefined && flight.state === "out") return flight;
    const { name, stored } = delivery;
    throw new NexusError(
      "INTERNAL",
      `Cannot settle event ${stored.position} for "${name}": it is settled already`,
    );
  }

  remove(flight: Flight): void {
    clearTimeout(flight.timer);
    this.#bySequence.delete(flight.sequence);
  }

  /** Tells JetStream that all of them are still worked on. */
  stillWorking(): void {
    for (const { reply } of this.#bySequence.values()) this.#channel.send(reply, WORKING);
  }

  /** Gives those back that `which` takes, the oldest first, so that they come again in that order. */
  giveBack(which: (flight: Flight) => boolean): void {
    const given = [...this.#bySequence.values()].filter(which);
    for (const flight of given.sort((a, b) => a.sequence - b.sequence)) {
      this.remove(flight);
      this.#channel.send(flight.reply, NOT_NOW);
    }
  }
}

/** Acknowledges without waiting for an answer: what is lost is handed out again, and dropped again. */
export function drop(channel: Channel, reply: string): void {
  channel.send(reply, DONE);
}

/** Gives a message back for so long. */
export function giveBackFor(channel: Channel, reply: string, delayMs: number): void {
  const delay = Math.max(1, Math.round(delayMs)) * 1e6;
  channel.send(reply, Buffer.from(`-NAK ${JSON.stringify({ delay })}`));
}
