import {
  MOST_PAGE_BYTES,
  MOST_VALUE_BYTES,
  type StateEntry,
  type StateRevision,
  type StateStore,
} from "../state.ts";
import { checkKey, checkNamespace, checkText, checkValue } from "../state-limits.ts";

/** A store of small values that is gone with its process, for runs outside a server. */
export function memoryState(now: () => number = Date.now): StateStore {
  const namespaces = new Map<string, Map<string, StateEntry>>();
  let lastRevision: StateRevision = 0;

  function entriesOf(namespace: string): Map<string, StateEntry> {
    const found = namespaces.get(namespace) ?? new Map<string, StateEntry>();
    namespaces.set(namespace, found);
    return found;
  }

  /** Lets go of it where its time has come. */
  function present(namespace: string, key: string): StateEntry | undefined {
    const entry = entriesOf(namespace).get(key);
    if (entry?.expiresAt === undefined || entry.expiresAt > now()) return entry;
    entriesOf(namespace).delete(key);
    return undefined;
  }

  return {
    maxValueBytes: MOST_VALUE_BYTES,

    async get(namespace, key) {
      checkKey(namespace, key);
      return present(namespace, key);
    },

    async set(namespace, key, value, { expect, expiresAt } = {}) {
      checkKey(namespace, key);
      checkValue(key, value, MOST_VALUE_BYTES);
      const there = present(namespace, key)?.revision;
      if (expect !== undefined && (there ?? "absent") !== expect) return undefined;
      lastRevision += 1;
      const expiry = expiresAt === undefined ? {} : { expiresAt };
      const entry = { key, value: value.slice(), revision: lastRevision, ...expiry };
      entriesOf(namespace).set(key, entry);
      return lastRevision;
    },

    async delete(namespace, key, { expect } = {}) {
      checkKey(namespace, key);
      const there = present(namespace, key);
      if (there === undefined || (expect !== undefined && there.revision !== expect)) return false;
      return entriesOf(namespace).delete(key);
    },

    async list(namespace, { prefix = "", limit, after }) {
      checkNamespace(namespace);
      checkText(prefix, "prefix");
      if (after !== undefined) checkKey(namespace, after);
      const wanted = [...entriesOf(namespace).keys()]
        .filter((key) => key.startsWith(prefix) && (after === undefined || compare(key, after) > 0))
        .sort(compare)
        .flatMap((key) => present(namespace, key) ?? []);
      const items = page(wanted, limit);
      return { items, more: items.length < wanted.length };
    },
  };
}

/** As many as the limit, up to the one whose value makes a page full. */
function page(entries: readonly StateEntry[], limit: number): readonly StateEntry[] {
  let bytes = 0;
  const last = entries.findIndex(({ value }) => (bytes += value.length) >= MOST_PAGE_BYTES);
  return entries.slice(0, last === -1 ? limit : Math.min(limit, last + 1));
}

function compare(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
