import type { StoredEvent } from "../../../core/event.ts";
import { KeyQueue } from "../../order.ts";
import type { Flight } from "./flights.ts";
import type { NatsStore } from "./store.ts";

const LOOK_MS = 500;

/**
 * Lets the deliveries of one key through one by one. It begins where another process left off:
 * JetStream gives what that one had out only when its time is up, and newer deliveries before. All of
 * them wait until the older ones are here, and go on in the order of the log.
 */
export class Order {
  readonly #orderKey: (stored: StoredEvent) => string | undefined;
  readonly #release: (flight: Flight) => void;
  readonly #queue = new KeyQueue<Flight>();
  #barrier: Barrier | undefined;

  constructor(
    orderKey: (stored: StoredEvent) => string | undefined,
    release: (flight: Flight) => void,
  ) {
    this.#orderKey = orderKey;
    this.#release = release;
  }

  /** Deliveries that wait for others. */
  get waiting(): number {
    return this.#queue.waitingCount + (this.#barrier?.held.length ?? 0);
  }

  /** One that is out since before. */
  occupy(flight: Flight): void {
    flight.key = this.#orderKey(flight.stored);
    if (flight.key !== undefined) this.#queue.occupy(flight.key);
  }

  /** Looks at what others have out. `ours`: how many of those this process has. */
  async takeOver(store: NatsStore, name: string, ours: () => number): Promise<void> {
    const look = async (): Promise<{ pending: number; delivered: number }> => {
      const { num_ack_pending: all, delivered } = await store.placeOf(name);
      return { pending: all - ours(), delivered: delivered.stream_seq };
    };
    const { pending, delivered } = await look();
    if (pending <= 0) return;
    // Some of them may be settled where they are, or gone from the log: then they never come.
    const timer = setInterval(() => {
      const lifted = (now: { pending: number }): void => {
        if (now.pending <= 0) this.#lift();
      };
      look().then(lifted, () => undefined); // NATS is away: looked at again
    }, LOOK_MS);
    timer.unref();
    this.#barrier = { upTo: delivered, toCome: pending, held: [], timer };
  }

  enter(flight: Flight): void {
    if (this.#barrier === undefined) {
      this.#go(flight);
      return;
    }
    this.#barrier.held.push(flight);
    this.seen(flight.sequence);
  }

  /** A message has come; with those that nobody waits for, this is all that is heard of it. */
  seen(sequence: number): void {
    if (this.#barrier === undefined || sequence > this.#barrier.upTo) return;
    this.#barrier.toCome -= 1;
    if (this.#barrier.toCome <= 0) this.#lift();
  }

  /** Its delivery has ended. Returns what may go on now. */
  left(flight: Flight): Flight | undefined {
    return flight.key === undefined ? undefined : this.#queue.leave(flight.key);
  }

  stop(): void {
    clearInterval(this.#barrier?.timer);
    this.#barrier = undefined;
  }

  #lift(): void {
    const barrier = this.#barrier;
    if (barrier === undefined) return;
    this.stop();
    for (const flight of barrier.held.sort((a, b) => a.sequence - b.sequence)) this.#go(flight);
  }

  #go(flight: Flight): void {
    flight.key = this.#orderKey(flight.stored);
    if (flight.key === undefined || this.#queue.enter(flight.key, flight)) this.#release(flight);
  }
}

interface Barrier {
  /** The newest message that somebody had been given. */
  readonly upTo: number;
  /** How many of those up to there have still to come. */
  toCome: number;
  readonly held: Flight[];
  readonly timer: NodeJS.Timeout;
}
