import { isVariable } from "./generalise.ts";

export interface PathChange {
  readonly change: "added" | "removed" | "changed";
  /** `$.items[*].price`, with ` (number → string)` where its type changed too. */
  readonly path: string;
}

/**
 * Where two JSON values differ, each place once: indices of arrays, and keys that are ids, are given as
 * `[*]` and `.*`. Where they are more than `most`, the deeper ones are given by the place they lie in.
 * Empty where the values are equal. The order of keys does not count. Of values that would take too long to
 * compare, and they are made for that, it says that they differ.
 */
export function changedPaths(
  recorded: unknown,
  candidate: unknown,
  { root = "$", most = 24 }: { readonly root?: string; readonly most?: number } = {},
): readonly PathChange[] {
  const found = new Map<string, Found>();
  const budget = { visits: MAX_VISITS };
  walk({ recorded, candidate, path: [root], found, budget });
  if (budget.visits < 0) return [{ change: "changed", path: root }];
  let all = [...found.values()];
  let depth = Math.max(1, ...all.map(({ path }) => path.length));
  while (all.length > most && depth > 1) {
    depth -= 1;
    all = cutAt(all, depth);
  }
  return all.map(({ change, path, note }) => ({ change, path: shortened(path) + note }));
}

/** An output of 1 MiB has at most half a million values. */
const MAX_VISITS = 4_000_000;
const MAX_PATH_LENGTH = 200;
const MAX_KEY_LENGTH = 60;

function shortened(path: readonly string[]): string {
  const text = path.join("");
  return text.length <= MAX_PATH_LENGTH ? text : `${text.slice(0, MAX_PATH_LENGTH - 1)}…`;
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
  /** Counted down with every pair of values that is looked at. */
  readonly budget: { visits: number };
}

function walk({ recorded, candidate, ...at }: Place): void {
  const { path, found, budget } = at;
  budget.visits -= 1;
  if (budget.visits < 0) return;
  const was = typeName(recorded);
  const is = typeName(candidate);
  if (was !== is) return add(found, { change: "changed", path, note: ` (${was} → ${is})` });
  if (Array.isArray(recorded)) {
    walkItems({ recorded, candidate: candidate as unknown[], ...at });
  } else if (was === "object") {
    walkMembers({ recorded, candidate, ...at } as Members);
  } else if (recorded !== candidate) {
    add(found, { change: "changed", path, note: "" });
  }
}

type Members = Place & Record<"recorded" | "candidate", Readonly<Record<string, unknown>>>;

function walkMembers({ recorded, candidate, path, found, budget }: Members): void {
  for (const [key, was] of Object.entries(recorded)) {
    const at = [...path, segment(key)];
    if (Object.hasOwn(candidate, key)) {
      walk({ recorded: was, candidate: candidate[key], path: at, found, budget });
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
function walkItems({ recorded, candidate, path, found, budget }: Items): void {
  let start = 0;
  let end = 0;
  const shorter = Math.min(recorded.length, candidate.length);
  while (start < shorter && equal(recorded[start], candidate[start], budget)) start += 1;
  while (end < shorter - start && equal(recorded.at(-1 - end), candidate.at(-1 - end), budget))
    end += 1;
  const at = [...path, "[*]"];
  for (let index = start; index < shorter - end; index += 1)
    walk({ recorded: recorded[index], candidate: candidate[index], path: at, found, budget });
  if (recorded.length > candidate.length) add(found, { change: "removed", path: at, note: "" });
  if (recorded.length < candidate.length) add(found, { change: "added", path: at, note: "" });
}

function equal(one: unknown, other: unknown, budget: Place["budget"]): boolean {
  budget.visits -= 1;
  if (budget.visits < 0 || typeName(one) !== typeName(other)) return false;
  if (typeof one !== "object" || one === null) return one === other;
  const [own, its] = [one, other] as readonly Readonly<Record<string, unknown>>[];
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(its!).length &&
    keys.every((key) => Object.hasOwn(its!, key) && equal(own![key], its![key], budget))
  );
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
  return pathOf(key.length <= MAX_KEY_LENGTH ? key : `${key.slice(0, MAX_KEY_LENGTH - 1)}…`);
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
