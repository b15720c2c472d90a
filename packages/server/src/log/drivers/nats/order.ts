import type { StoredEvent } from "../../../core/event.ts";
import { KeyQueue } from "../../order.ts";
import type { Flight } from "./flights.ts";

const LOOK_MS = 500;

/**
 * Lets the deliveries of one key through one by one. It begins where another process left off:
 * JetStream gives what that one had out only when its time is up, and newer deliveries before. All of
 * them wait until the older ones are here, and go on in the order of the log.
 */
export class Order {
  readonly #orderKey: (stored: StoredEvent) => string | undefined;
  readonly #release: (flight: Flight) => void;
  readonly #look: () => Promise<Outstanding>;
  readonly #queue = new KeyQueue<Flight>();
  #barrier: Barrier | undefined;
  /** The consumer's count at the last message that came. */
  #handedOut: number | undefined;

  constructor(
    orderKey: (stored: StoredEvent) => string | undefined,
    context: {
      readonly release: (flight: Flight) => void;
      readonly look: () => Promise<Outstanding>;
    },
  ) {
    this.#orderKey = orderKey;
    this.#release = context.release;
    this.#look = context.look;
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

  /** Looks at what others have out. Before any message is asked for. LOG_UNAVAILABLE. */
  async takeOver(): Promise<void> {
    const { pending, handedOut, newest } = await this.#look();
    this.#handedOut = handedOut;
    if (pending > 0) this.#hold({ upTo: newest, toCome: pending });
  }

  /**
   * A message is here that was the consumer's `handedOut`th. Where one before it did not come (it went
   * into a connection that broke, or to a process that had asked for it and is not heard of any more), it
   * comes again when its time is up: until then all that is newer is held.
   */
  heard(handedOut: number): void {
    const lost = this.#handedOut !== undefined && handedOut > this.#handedOut + 1;
    this.#handedOut = handedOut;
    if (!lost) return;
    this.#hold({ upTo: Infinity, toCome: Infinity });
    this.#lookAgain();
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

  #hold(waiting: { readonly upTo: number; readonly toCome: number }): void {
    if (this.#barrier !== undefined) {
      Object.assign(this.#barrier, waiting);
      return;
    }
    // Some of them may be settled where they are, or gone from the log: then they never come.
    const timer = setInterval(() => this.#lookAgain(), LOOK_MS);
    timer.unref();
    this.#barrier = { ...waiting, held: [], timer };
  }

  #lookAgain(): void {
    this.#look().then(
      ({ pending, newest }) => {
        if (pending <= 0) this.#lift();
        else if (this.#barrier?.toCome === Infinity) {
          Object.assign(this.#barrier, { upTo: newest, toCome: pending });
        }
      },
      () => undefined, // NATS is away: looked at again
    );
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

/** What a consumer has handed out. */
export interface Outstanding {
  /** Messages that are out elsewhere, or on their way here. */
  readonly pending: number;
  /** How many messages it was so far. */
  readonly handedOut: number;
  /** Sequence of the newest. */
  readonly newest: number;
}

interface Barrier {
  /** The newest message that somebody had been given. */
  upTo: number;
  /** How many of those up to there have still to come. */
  toCome: number;
  readonly held: Flight[];
  readonly timer: NodeJS.Timeout;
}
