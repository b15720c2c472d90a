import { messageOf, type NatsStore } from "./store.ts";
import { decodeRecord } from "./wire.ts";

/** The numbers added last, so many of them. */
export class Recent {
  readonly #size: number;
  readonly #numbers = new Set<number>();

  constructor(size: number) {
    this.#size = size;
  }

  has(number: number): boolean {
    return this.#numbers.has(number);
  }

  add(number: number): void {
    this.#numbers.add(number);
    if (this.#numbers.size <= this.#size) return;
    for (const oldest of this.#numbers) {
      this.#numbers.delete(oldest);
      return;
    }
  }
}

const MAX_RECORDS = 512;

/**
 * Positions of events whose delivery to this function ended lately, by whichever process, as the newest
 * records say. LOG_UNAVAILABLE.
 */
export async function recentlyEnded(
  { records }: NatsStore,
  name: string,
): Promise<readonly number[]> {
  const { first, last } = await records.state();
  const from = Math.max(first, last - MAX_RECORDS + 1);
  const sequences = Array.from(
    { length: Math.max(0, last - from + 1) },
    (_, index) => from + index,
  );
  const messages = await Promise.all(sequences.map((sequence) => records.at(sequence)));
  return messages
    .filter((message) => message !== undefined)
    .map((message) => decodeRecord(messageOf(message)))
    .filter(
      ({ function: of, delivery }) => of === name && (delivery === "done" || delivery === "dead"),
    )
    .map(({ position }) => position);
}
