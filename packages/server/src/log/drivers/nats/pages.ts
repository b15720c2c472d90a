import type { StoredMsg } from "@nats-io/jetstream";
import { decodeCursor, encodeCursor } from "../../cursor.ts";
import type { Page, PageRequest } from "../../log.ts";
import type { StreamReader } from "./reader.ts";

/** Messages one page may ask for; one that found little in so many is short and says where to go on. */
const MAX_READS = 2_000;
/** Where it is no wider, all of a window is asked for at once. */
const SMALL_WINDOW = 128;
/** Messages one wide window may bring: of one that has more, only the newer half is read. */
const MAX_HOPS = 128;

export interface PageOptions<T> {
  readonly reader: StreamReader;
  /** The list's name and what of its filter stays the same from page to page, for the cursor. */
  readonly list: string;
  readonly mark: unknown;
  /** Subjects that may be asked for, wildcards allowed. */
  readonly subject: string;
  /** Sequences from here on. */
  readonly from: number;
  /** Sequences before this one. */
  readonly before: number;
  /** The item of a message; undefined: it is none, or the filter does not take it. */
  readonly item: (message: StoredMsg) => T | undefined;
}

/**
 * A page of a stream, newest first. JetStream reads forward only, so that this walks back window by
 * window, each wider than the one before as long as they bring little.
 */
export async function readPage<T>(options: PageOptions<T>, page: PageRequest): Promise<Page<T>> {
  const { reader, list, mark, item, from } = options;
  let before = options.before;
  if (page.cursor !== undefined) {
    before = Math.min(before, Number(decodeCursor(list, mark, page.cursor)));
  }
  const windows = new Windows(reader, options.subject);
  const items: T[] = [];
  while (before > from && windows.reads < MAX_READS) {
    const { messages, start } = await windows.read(from, before, page.limit + 1 - items.length);
    for (const message of messages) {
      const found = item(message);
      if (found === undefined) continue;
      if (items.length === page.limit) {
        return { items, nextCursor: encodeCursor(list, mark, String(before)) };
      }
      items.push(found);
      before = message.seq;
    }
    before = start;
  }
  if (before <= from) return { items };
  return { items, nextCursor: encodeCursor(list, mark, String(before)) };
}

class Windows {
  readonly #reader: StreamReader;
  readonly #subject: string;
  #width = 0;
  reads = 0;

  constructor(reader: StreamReader, subject: string) {
    this.#reader = reader;
    this.#subject = subject;
  }

  /** What lies before `before` and not before `start`, the newest first. `wanted`: how many are of use. */
  async read(
    from: number,
    before: number,
    wanted: number,
  ): Promise<{ messages: StoredMsg[]; start: number }> {
    this.#width = Math.max(this.#width, Math.min(wanted, SMALL_WINDOW));
    let start = Math.max(from, before - this.#width);
    for (;;) {
      const messages =
        before - start <= SMALL_WINDOW
          ? await this.#all(start, before)
          : await this.#hop(start, before);
      if (messages === undefined) {
        this.#width = Math.ceil((before - start) / 2);
        start = before - this.#width;
        continue;
      }
      if (messages.length * 2 < wanted) this.#width *= 4;
      return { messages, start };
    }
  }

  async #all(start: number, before: number): Promise<StoredMsg[]> {
    const sequences = Array.from({ length: before - start }, (_, index) => before - 1 - index);
    this.reads += sequences.length;
    const found = await Promise.all(sequences.map((sequence) => this.#reader.at(sequence)));
    return found.filter((message) => message !== undefined);
  }

  /** Undefined: there are too many. */
  async #hop(start: number, before: number): Promise<StoredMsg[] | undefined> {
    const messages: StoredMsg[] = [];
    for (let next = start; next < before;) {
      this.reads += 1;
      const message = await this.#reader.next(this.#subject, next);
      if (message === undefined || message.seq >= before) break;
      if (messages.length === MAX_HOPS) return undefined;
      messages.push(message);
      next = message.seq + 1;
    }
    return messages.toReversed();
  }
}
