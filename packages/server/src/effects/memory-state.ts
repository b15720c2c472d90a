import { NexusError } from "../core/errors.ts";
import type { StateEntry, StateStore } from "../log/state.ts";

const MAX_VALUE_BYTES = 512 * 1024;

/** A store that is gone with its process, for runs outside a server. */
export function memoryState(now: () => number = Date.now): StateStore {
  const namespaces = new Map<string, Map<string, StateEntry>>();
  let lastRevision = 0;

  function entriesOf(namespace: string): Map<string, StateEntry> {
    const found = namespaces.get(namespace) ?? new Map<string, StateEntry>();
    namespaces.set(namespace, found);
    return found;
  }

  function present(namespace: string, key: string): StateEntry | undefined {
    const entry = entriesOf(namespace).get(key);
    if (entry?.expiresAt === undefined || entry.expiresAt > now()) return entry;
    entriesOf(namespace).delete(key);
    return undefined;
  }

  return {
    maxValueBytes: MAX_VALUE_BYTES,

    async get(namespace, key) {
      return present(namespace, key);
    },

    async set(namespace, key, value, { expect, expiresAt } = {}) {
      if (value.length > MAX_VALUE_BYTES) {
        const how = `it has ${value.length} bytes, and ${MAX_VALUE_BYTES} is the most`;
        throw new NexusError("STATE_TOO_LARGE", `Cannot keep the value of "${key}": ${how}`);
      }
      const there = present(namespace, key)?.revision;
      if (expect !== undefined && (there ?? "absent") !== expect) return undefined;
      lastRevision += 1;
      const expiry = expiresAt === undefined ? {} : { expiresAt };
      const entry = { key, value: value.slice(), revision: lastRevision, ...expiry };
      entriesOf(namespace).set(key, entry);
      return lastRevision;
    },

    async delete(namespace, key, { expect } = {}) {
      const there = present(namespace, key);
      if (there === undefined || (expect !== undefined && there.revision !== expect)) return false;
      return entriesOf(namespace).delete(key);
    },

    async list(namespace, { prefix = "", limit, after }) {
      const keys = [...entriesOf(namespace).keys()]
        .filter((key) => key.startsWith(prefix) && (after === undefined || compare(key, after) > 0))
        .sort(compare);
      const items = keys.flatMap((key) => present(namespace, key) ?? []);
      return { items: items.slice(0, limit), more: items.length > limit };
    },
  };
}

function compare(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
