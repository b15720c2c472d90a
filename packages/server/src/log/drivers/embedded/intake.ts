import type { StoredEvent } from "../../../core/event.ts";
import { Deque } from "../../deque.ts";
import type { Reader } from "./reader.ts";

// Live events kept in memory for a consumer; one that falls further behind reads the store.
const QUEUE_EVENTS = 1024;
const QUEUE_BYTES = 16 * 1024 * 1024;

/**
 * Brings a consumer the matching events it has not seen, in order. `live`: it is at the log's end and
 * gets them as they are committed. Else it is behind and reads the store until it has caught up.
 */
export class Intake {
  readonly #name: string;
  readonly #reader: Reader;
  readonly #tail: () => number;
  /** Positions that somebody else took care of. */
  readonly #skip: (position: number) => boolean;
  readonly #queue = new Deque<StoredEvent>();
  #bytes = 0;
  #scanned: number;
  #live = false;

  constructor(options: {
    name: string;
    reader: Reader;
    scanned: number;
    tail: () => number;
    skip: (position: number) => boolean;
  }) {
    this.#name = options.name;
    this.#reader = options.reader;
    this.#scanned = options.scanned;
    this.#tail = options.tail;
    this.#skip = options.skip;
  }

  /** Up to here there is nothing more to bring. */
  get high(): number {
    const first = this.#queue.peek();
    return first === undefined ? this.scanned : first.position - 1;
  }

  /** Up to here everything was brought or waits in the queue. */
  get scanned(): number {
    return this.#live ? this.#tail() : this.#scanned;
  }

  set scanned(position: number) {
    this.#scanned = position;
  }

  /** Whether the store may have something to bring. */
  get behind(): boolean {
    return !this.#live && this.#scanned < this.#tail();
  }

  get first(): StoredEvent | undefined {
    return this.#queue.peek();
  }

  /** Events that wait; an upper bound where the consumer is behind. */
  get waiting(): number {
    return this.#queue.length + (this.#live ? 0 : this.#tail() - this.#scanned);
  }

  /** A matching event was committed. True: it was taken into the queue. */
  offer(stored: StoredEvent): boolean {
    if (!this.#live || this.#skip(stored.position)) return false;
    if (this.#queue.length >= QUEUE_EVENTS || this.#bytes >= QUEUE_BYTES) {
      this.#live = false;
      this.#scanned = stored.position - 1;
      return false;
    }
    this.#push(stored);
    return true;
  }

  /** The next event. Reads the store at most once: undefined with `behind` set means ask again. */
  next(patterns: readonly string[]): StoredEvent | undefined {
    if (this.#queue.length === 0 && !this.#live) {
      const { events, scanned } = this.#reader.read(
        this.#name,
        patterns,
        this.#scanned,
        this.#tail(),
      );
      this.#scanned = scanned;
      for (const stored of events) if (!this.#skip(stored.position)) this.#push(stored);
      if (scanned === this.#tail()) this.#live = true;
    }
    const stored = this.#queue.shift();
    if (stored !== undefined) this.#bytes -= stored.event.json.length;
    return stored;
  }

  /** Forgets what waits; it is read again from the store. */
  stop(): void {
    this.#scanned = this.high;
    this.#live = false;
    this.#queue.clear();
    this.#bytes = 0;
  }

  #push(stored: StoredEvent): void {
    this.#queue.push(stored);
    this.#bytes += stored.event.json.length;
  }
}
