import { typeMatches } from "../core/pattern.ts";

// Types come from outside; the memo starts again when there are more of them than this.
const MAX_TYPES = 10_000;

/**
 * Who takes events of a type. A type's answer is worked out once and kept until somebody comes or
 * goes, so that an event costs the same with ten subscribers as with ten thousand.
 */
export class Routes<T> {
  readonly #exact = new Map<string, Set<T>>();
  readonly #wild = new Map<T, readonly string[]>();
  readonly #memo = new Map<string, readonly T[]>();

  add(subscriber: T, patterns: readonly string[]): void {
    this.#memo.clear();
    const wild = patterns.filter((pattern) => pattern.includes("*"));
    if (wild.length > 0) this.#wild.set(subscriber, wild);
    for (const pattern of patterns) {
      if (pattern.includes("*")) continue;
      const subscribers = this.#exact.get(pattern) ?? new Set();
      this.#exact.set(pattern, subscribers.add(subscriber));
    }
  }

  remove(subscriber: T, patterns: readonly string[]): void {
    this.#memo.clear();
    this.#wild.delete(subscriber);
    for (const pattern of patterns) {
      const subscribers = this.#exact.get(pattern);
      subscribers?.delete(subscriber);
      if (subscribers?.size === 0) this.#exact.delete(pattern);
    }
  }

  of(type: string): readonly T[] {
    const known = this.#memo.get(type);
    if (known !== undefined) return known;
    const found = new Set(this.#exact.get(type));
    for (const [subscriber, patterns] of this.#wild) {
      if (patterns.some((pattern) => typeMatches(pattern, type))) found.add(subscriber);
    }
    const subscribers = [...found];
    if (this.#memo.size >= MAX_TYPES) this.#memo.clear();
    this.#memo.set(type, subscribers);
    return subscribers;
  }
}
