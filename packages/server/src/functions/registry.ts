import type { FunctionVersion } from "../core/function.ts";
import { literalPrefix, typeMatches } from "../core/pattern.ts";
import type { Functions, HttpTrigger } from "./functions.ts";

/** The functions in service, and the one way to change them. */
export interface Registry extends Functions {
  /** Puts this set in service, as a whole. Names must be unique. */
  replace(versions: readonly FunctionVersion[]): void;
}

/** Starts with `versions`, or with none. */
export function createRegistry(versions: readonly FunctionVersion[] = []): Registry {
  let inService = serviceSet(versions);
  let changed = Promise.withResolvers<void>();

  return {
    replace(next) {
      inService = serviceSet(next);
      changed.resolve();
      changed = Promise.withResolvers();
    },
    list: () => inService.list,
    get: (name) => inService.byName.get(name),
    matching({ event, meta }) {
      if (meta.target === undefined) return inService.matching(event.type);
      const target = inService.byName.get(meta.target);
      return target === undefined ? [] : [target];
    },
    httpTriggers: () => inService.httpTriggers,
    async *changes(signal) {
      const aborted = Promise.withResolvers<void>();
      const onAbort = (): void => aborted.resolve();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        let seen: ServiceSet | undefined;
        while (!signal.aborted) {
          if (seen === inService) {
            await Promise.race([changed.promise, aborted.promise]);
          } else {
            seen = inService;
            yield seen.list;
          }
        }
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
  };
}

interface ServiceSet {
  readonly list: readonly FunctionVersion[];
  readonly byName: ReadonlyMap<string, FunctionVersion>;
  readonly httpTriggers: readonly HttpTrigger[];
  matching(type: string): readonly FunctionVersion[];
}

// Types come from outside: a stream of ever new ones must not fill the memory.
const MAX_REMEMBERED_TYPES = 10_000;

function serviceSet(versions: readonly FunctionVersion[]): ServiceSet {
  const list = Object.freeze([...versions].sort(byName));
  const find = matcher(list);
  const remembered = new Map<string, readonly FunctionVersion[]>();
  return {
    list,
    byName: new Map(list.map((version) => [version.name, version])),
    httpTriggers: Object.freeze(
      list.flatMap((version) =>
        version.triggers.flatMap((trigger) =>
          trigger.kind === "http" ? [Object.freeze({ function: version, trigger })] : [],
        ),
      ),
    ),
    matching(type) {
      const known = remembered.get(type);
      if (known !== undefined) return known;
      const found = Object.freeze(find(type));
      if (remembered.size >= MAX_REMEMBERED_TYPES) remembered.clear();
      remembered.set(type, found);
      return found;
    },
  };
}

/**
 * Finds the functions whose patterns take a type, without trying every pattern: those without `*` are
 * looked up, the others are found by the text before their first `*`.
 */
function matcher(list: readonly FunctionVersion[]): (type: string) => FunctionVersion[] {
  const exact = new Map<string, FunctionVersion[]>();
  const wild = new Map<string, { pattern: string; version: FunctionVersion }[]>();
  for (const version of list) {
    for (const trigger of version.triggers) {
      if (trigger.kind !== "event") continue;
      const { pattern } = trigger;
      if (pattern.includes("*")) add(wild, literalPrefix(pattern), { pattern, version });
      else add(exact, pattern, version);
    }
  }
  const prefixLengths = [...new Set([...wild.keys()].map((prefix) => prefix.length))];
  return (type) => {
    const found = new Set(exact.get(type));
    for (const length of prefixLengths) {
      for (const { pattern, version } of wild.get(type.slice(0, length)) ?? []) {
        if (typeMatches(pattern, type)) found.add(version);
      }
    }
    return [...found].sort(byName);
  };
}

function add<V>(map: Map<string, V[]>, key: string, value: V): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}

function byName(a: FunctionVersion, b: FunctionVersion): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}
