import type { StoredEvent } from "../../../core/event.ts";
import { literalPrefix, typeMatches } from "../../../core/pattern.ts";
import { mergeRuns } from "../../merge.ts";
import { type Catalogue, FUNCTION, TYPE } from "./catalogue.ts";
import { decodeEvent } from "./codec.ts";
import type { Events } from "./events.ts";
import { positionKey, positionOf } from "./keys.ts";
import type { Store } from "./store.ts";

/** Up to so many types are read through their indexes side by side; with more, the log itself is read. */
export const MAX_STREAMS = 64;
const BATCH = 256;
const BATCH_BYTES = 8 * 1024 * 1024;

export interface ReadBatch {
  readonly events: readonly StoredEvent[];
  /** Every matching event up to here is in `events` or before them. */
  readonly scanned: number;
}

/** The numbers of the types that patterns take; undefined if there are more than `MAX_STREAMS`. */
export function typesOf(catalogue: Catalogue, patterns: readonly string[]): number[] | undefined {
  const numbers = new Set<number>();
  for (const pattern of patterns) {
    if (!pattern.includes("*")) {
      const number = catalogue.find(TYPE, pattern);
      if (number !== undefined) numbers.add(number);
    } else {
      const names = catalogue.startingWith(TYPE, literalPrefix(pattern), MAX_STREAMS * 4 + 1);
      if (names.length > MAX_STREAMS * 4) return undefined;
      for (const { name, number } of names) if (typeMatches(pattern, name)) numbers.add(number);
    }
    if (numbers.size > MAX_STREAMS) return undefined;
  }
  return [...numbers];
}

/** Reads what a consumer has to see after a position, in bounded steps and never past `tail`. */
export class Reader {
  readonly #store: Store;
  readonly #catalogue: Catalogue;
  readonly #events: Events;

  constructor(store: Store, catalogue: Catalogue, events: Events) {
    this.#store = store;
    this.#catalogue = catalogue;
    this.#events = events;
  }

  /** Events of these patterns or addressed to `name`, after `after`, as far as `tail`. */
  read(name: string, patterns: readonly string[], after: number, tail: number): ReadBatch {
    if (after >= tail) return { events: [], scanned: tail };
    const types = typesOf(this.#catalogue, patterns);
    return types === undefined
      ? this.#scan(name, patterns, after, tail)
      : this.#merge(name, types, after, tail);
  }

  #merge(name: string, types: readonly number[], after: number, tail: number): ReadBatch {
    const { byType, byTarget } = this.#events;
    const limit = Math.max(8, Math.ceil(BATCH / (types.length + 1)));
    const runs = types.map((type) => byType.rising(type, { after, tail, limit }));
    const target = this.#catalogue.find(FUNCTION, name);
    if (target !== undefined) runs.push(byTarget.rising(target, { after, tail, limit }));
    if (runs.length === 0) return { events: [], scanned: tail };
    const { values, full } = mergeRuns(runs, false);
    const events: StoredEvent[] = [];
    let bytes = 0;
    for (const position of values) {
      const stored = this.#events.get(position);
      if (stored === undefined) continue;
      const addressee = stored.meta.target;
      if (addressee !== undefined && addressee !== name) continue;
      events.push(stored);
      bytes += stored.event.json.length;
      if (bytes > BATCH_BYTES) return { events, scanned: position };
    }
    return { events, scanned: full ? values.at(-1)! : tail };
  }

  #scan(name: string, patterns: readonly string[], after: number, tail: number): ReadBatch {
    const range = { start: positionKey(after + 1), end: positionKey(tail + 1), limit: BATCH };
    const events: StoredEvent[] = [];
    let read = 0;
    let bytes = 0;
    let scanned = after;
    for (const { key, value } of this.#store.events.getRange(range)) {
      scanned = positionOf(key);
      const stored = decodeEvent(scanned, value);
      if (takes(name, patterns, stored)) events.push(stored);
      read += 1;
      bytes += value.length;
      if (bytes > BATCH_BYTES) return { events, scanned };
    }
    return { events, scanned: read < BATCH ? tail : scanned };
  }
}

function takes(name: string, patterns: readonly string[], { event, meta }: StoredEvent): boolean {
  if (meta.target !== undefined) return meta.target === name;
  return patterns.some((pattern) => typeMatches(pattern, event.type));
}
