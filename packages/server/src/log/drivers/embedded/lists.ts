import type { StoredEvent } from "../../../core/event.ts";
import { literalPrefix, typeMatches } from "../../../core/pattern.ts";
import { decodeCursor, encodeCursor } from "../../cursor.ts";
import type { EventFilter, Page, PageRequest } from "../../log.ts";
import { mergeRuns, type Run } from "../../merge.ts";
import { type Catalogue, SOURCE } from "./catalogue.ts";
import type { Events } from "./events.ts";
import { positionKey, positionOf } from "./keys.ts";
import type { PositionIndex } from "./positions.ts";
import { typesOf } from "./reader.ts";
import type { Store, Table } from "./store.ts";

// Entries one call looks at; a page that found little in so many is short and says where to go on.
const SCAN = 10_000;
const CHUNK = 500;

/**
 * A page of events, newest first. By type, by source and by time it reads an index from the place
 * where the page begins; with more types under a pattern than can be merged it reads the log itself,
 * a bounded piece a call.
 */
export class EventLists {
  readonly #store: Store;
  readonly #catalogue: Catalogue;
  readonly #events: Events;

  constructor(store: Store, catalogue: Catalogue, events: Events) {
    this.#store = store;
    this.#catalogue = catalogue;
    this.#events = events;
  }

  async list(filter: EventFilter, { limit, cursor }: PageRequest): Promise<Page<StoredEvent>> {
    const mark = [filter.type, filter.source];
    const until =
      filter.until === undefined ? this.#events.last + 1 : this.#events.firstSince(filter.until);
    const from = filter.since === undefined ? 1 : this.#events.firstSince(filter.since);
    let before = until;
    if (cursor !== undefined) {
      before = Math.min(before, Number(decodeCursor("events", mark, cursor)));
    }
    const { runs, fits } = this.#plan(filter);
    const items: StoredEvent[] = [];
    for (let scanned = 0; scanned < SCAN; scanned += CHUNK) {
      const chunk = Math.min(CHUNK, limit + 1);
      const { values, full } = mergeRuns(
        runs.map((run) => run(from, before, chunk)),
        true,
      );
      for (const position of values) {
        const stored = fits(position);
        if (stored !== undefined && items.length === limit) {
          return { items, nextCursor: encodeCursor("events", mark, String(before)) };
        }
        before = position;
        if (stored !== undefined) items.push(stored);
      }
      if (!full) return { items };
      await new Promise(setImmediate);
    }
    return { items, nextCursor: encodeCursor("events", mark, String(before)) };
  }

  #plan({ type, source }: EventFilter): Plan {
    const { byType, bySource } = this.#events;
    const sourceNumber = source === undefined ? undefined : this.#catalogue.find(SOURCE, source);
    if (source !== undefined && sourceNumber === undefined) return NOTHING;
    const get = (position: number): StoredEvent | undefined => this.#events.get(position);
    const typed = (position: number): StoredEvent | undefined => {
      const stored = get(position);
      return type === undefined || (stored !== undefined && typeMatches(type, stored.event.type))
        ? stored
        : undefined;
    };
    // A pattern that takes nearly everything is better read from the log than merged.
    const types =
      type === undefined || literalPrefix(type) === ""
        ? undefined
        : typesOf(this.#catalogue, [type]);
    if (types !== undefined) {
      const fits = (position: number): StoredEvent | undefined =>
        sourceNumber === undefined || bySource.has(sourceNumber, position)
          ? get(position)
          : undefined;
      return { runs: types.map((number) => namedRun(byType, number)), fits };
    }
    if (sourceNumber !== undefined)
      return { runs: [namedRun(bySource, sourceNumber)], fits: typed };
    return { runs: [logRun(this.#store.events)], fits: typed };
  }
}

type RunBefore = (from: number, before: number, limit: number) => Run<number>;

interface Plan {
  /** Streams of positions, newest first, that together hold every answer. */
  readonly runs: readonly RunBefore[];
  /** The event, if the filter takes it. */
  readonly fits: (position: number) => StoredEvent | undefined;
}

const NOTHING: Plan = { runs: [], fits: () => undefined };

function namedRun(index: PositionIndex, name: number): RunBefore {
  return (from, before, limit) => index.falling(name, { from, before, limit });
}

function logRun(table: Table): RunBefore {
  return (from, before, limit) => {
    const values: number[] = [];
    if (before <= from) return { values, full: false };
    const range = { start: positionKey(before - 1), end: positionKey(from - 1) };
    for (const key of table.getKeys({ ...range, reverse: true, limit })) {
      values.push(positionOf(key));
    }
    return { values, full: values.length === limit };
  };
}
