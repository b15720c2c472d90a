import { afterPrefix, nameKey, namePrefix } from "./keys.ts";
import type { Batch } from "./committer.ts";
import type { Store } from "./store.ts";

/** What a name is the name of. The number is stored. */
export type NameKind = 1 | 2 | 3;
export const TYPE: NameKind = 1;
export const SOURCE: NameKind = 2;
export const FUNCTION: NameKind = 3;

// Types and sources come from outside: the memory for them is bounded.
const MAX_CACHED = 20_000;

/** Small numbers for names, so that an index entry costs ten bytes and not the name. */
export class Catalogue {
  readonly #store: Store;
  /** By kind. */
  readonly #cached: Readonly<Record<NameKind, Map<string, number>>> = {
    1: new Map(),
    2: new Map(),
    3: new Map(),
  };
  /** Given out and not durable yet: each commit takes them along until one succeeds. */
  readonly #fresh = new Map<string, Fresh>();
  #next: number;

  constructor(store: Store, next: number) {
    this.#store = store;
    this.#next = next;
  }

  /** The next number to be given out. */
  get next(): number {
    return this.#next;
  }

  /** Whether a name has still to go to the disk. */
  get waiting(): boolean {
    return this.#fresh.size > 0;
  }

  /** Undefined: nothing in the log has this name. */
  find(kind: NameKind, name: string): number | undefined {
    const known = this.#cached[kind].get(name) ?? this.#fresh.get(kind + name)?.number;
    if (known !== undefined) return known;
    const value = this.#store.names.get(nameKey(kind, name));
    if (value === undefined) return undefined;
    return this.#remember(kind, name, value.readUInt32BE(0));
  }

  /** Finds the name's number, or gives it one, which goes to the disk with the next commit. */
  assign(kind: NameKind, name: string): number {
    const known = this.find(kind, name);
    if (known !== undefined) return known;
    const number = this.#next;
    this.#next += 1;
    this.#fresh.set(kind + name, { kind, name, number });
    return number;
  }

  /** Names of a kind that begin with `prefix`, with their numbers, in order; at most `limit`. */
  startingWith(kind: NameKind, prefix: string, limit: number): { name: string; number: number }[] {
    const start = namePrefix(kind, prefix);
    const end = afterPrefix(start)!;
    const found = [];
    for (const { value } of this.#store.names.getRange({ start, end, limit })) {
      found.push({ name: value.toString("utf8", 4), number: value.readUInt32BE(0) });
    }
    return found;
  }

  /** Adds what no commit has brought to the disk yet. */
  prepare(batch: Batch): void {
    for (const [memo, { kind, name, number }] of this.#fresh) {
      const value = Buffer.allocUnsafe(4 + Buffer.byteLength(name));
      value.writeUInt32BE(number, 0);
      value.write(name, 4);
      batch.put(this.#store.names, nameKey(kind, name), value);
      const durable = (): void => {
        this.#remember(kind, name, number);
        this.#fresh.delete(memo);
      };
      batch.on(durable, undefined);
    }
  }

  #remember(kind: NameKind, name: string, number: number): number {
    const cached = this.#cached[kind];
    if (cached.size >= MAX_CACHED) cached.clear();
    cached.set(name, number);
    return number;
  }
}

interface Fresh {
  readonly kind: NameKind;
  readonly name: string;
  readonly number: number;
}
