import { isDeepStrictEqual } from "node:util";
import { isVariable } from "./generalise.ts";

export interface PathChange {
  readonly change: "added" | "removed" | "changed";
  /** `$.items[*].price`, with ` (number → string)` where its type changed too. */
  readonly path: string;
}

/**
 * Where two JSON values differ, each place once: indices of arrays, and keys that are ids, are given as
 * `[*]` and `.*`. Where they are more than `most`, the deeper ones are given by the place they lie in.
 * Empty where the values are equal. The order of keys does not count.
 */
export function changedPaths(
  recorded: unknown,
  candidate: unknown,
  { root = "$", most = 24 }: { readonly root?: string; readonly most?: number } = {},
): readonly PathChange[] {
  const found = new Map<string, Found>();
  walk({ recorded, candidate, path: [root], found });
  let all = [...found.values()];
  let depth = Math.max(1, ...all.map(({ path }) => path.length));
  while (all.length > most && depth > 1) {
    depth -= 1;
    all = cutAt(all, depth);
  }
  return all.map(({ change, path, note }) => ({ change, path: path.join("") + note }));
}

interface Found {
  readonly change: PathChange["change"];
  readonly path: readonly string[];
  readonly note: string;
}

interface Place {
  readonly recorded: unknown;
  readonly candidate: unknown;
  readonly path: readonly string[];
  readonly found: Map<string, Found>;
}

function walk({ recorded, candidate, path, found }: Place): void {
  const was = typeName(recorded);
  const is = typeName(candidate);
  if (was !== is) return add(found, { change: "changed", path, note: ` (${was} → ${is})` });
  if (Array.isArray(recorded)) {
    walkItems({ recorded, candidate: candidate as unknown[], path, found });
  } else if (was === "object") {
    walkMembers({ recorded, candidate, path, found } as Members);
  } else if (recorded !== candidate) {
    add(found, { change: "changed", path, note: "" });
  }
}

type Members = Place & Record<"recorded" | "candidate", Readonly<Record<string, unknown>>>;

function walkMembers({ recorded, candidate, path, found }: Members): void {
  for (const [key, was] of Object.entries(recorded)) {
    const at = [...path, segment(key)];
    if (Object.hasOwn(candidate, key)) {
      walk({ recorded: was, candidate: candidate[key], path: at, found });
    } else {
      add(found, { change: "removed", path: at, note: "" });
    }
  }
  for (const key of Object.keys(candidate)) {
    if (Object.hasOwn(recorded, key)) continue;
    add(found, { change: "added", path: [...path, segment(key)], note: "" });
  }
}

type Items = Place & Record<"recorded" | "candidate", readonly unknown[]>;

// What is alike at both ends is set aside first: one item put in front does not change all that follow.
function walkItems({ recorded, candidate, path, found }: Items): void {
  let start = 0;
  let end = 0;
  const shorter = Math.min(recorded.length, candidate.length);
  while (start < shorter && isDeepStrictEqual(recorded[start], candidate[start])) start += 1;
  while (end < shorter - start && isDeepStrictEqual(recorded.at(-1 - end), candidate.at(-1 - end)))
    end += 1;
  const at = [...path, "[*]"];
  for (let index = start; index < shorter - end; index += 1)
    walk({ recorded: recorded[index], candidate: candidate[index], path: at, found });
  if (recorded.length > candidate.length) add(found, { change: "removed", path: at, note: "" });
  if (recorded.length < candidate.length) add(found, { change: "added", path: at, note: "" });
}

function add(found: Map<string, Found>, one: Found): void {
  found.set(`${one.change} ${one.path.join("")}${one.note}`, one);
}

function cutAt(all: readonly Found[], depth: number): Found[] {
  const cut = new Map<string, Found>();
  for (const one of all) {
    const { path } = one;
    add(
      cut,
      path.length <= depth ? one : { change: "changed", path: path.slice(0, depth), note: "" },
    );
  }
  return [...cut.values()];
}

function segment(key: string): string {
  if (isVariable(key)) return ".*";
  return pathOf(key);
}

/** A key as a part of a path: `.name`, or `["any other"]`. */
export function pathOf(key: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  // A whole number beyond 2^53 was read as a bigint.
  return typeof value === "bigint" ? "number" : typeof value;
}
