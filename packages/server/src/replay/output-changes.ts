import type { Change } from "./changes.ts";
import { contentOf, type Content } from "./content.ts";
import { changedPaths } from "./json-paths.ts";
import { lineChanges } from "./line-changes.ts";

/** How two outputs differ; empty where their bytes are equal. */
export function outputChanges(recorded: Uint8Array, candidate: Uint8Array): readonly Change[] {
  return contentChanges(recorded, candidate, { aspect: "output", name: "" });
}

/**
 * How some bytes differ. `name` stands in front of each place: what the bytes are of. Equal JSON in other
 * bytes (spaces, order of keys, `1.0` for `1`) is `formatting`, as are other line ends.
 */
export function contentChanges(
  recorded: Uint8Array,
  candidate: Uint8Array,
  of: { readonly aspect: Change["aspect"]; readonly name: string },
): readonly Change[] {
  if (Buffer.compare(recorded, candidate) === 0) return [];
  const { aspect, name } = of;
  const called = (what: string): string => (name === "" ? what : `${name} ${what}`);
  const was = contentOf(recorded);
  const is = contentOf(candidate);
  if (was.kind === "empty") return [{ aspect, change: "added", what: called(KIND[is.kind]) }];
  if (is.kind === "empty") return [{ aspect, change: "removed", what: called(KIND[was.kind]) }];
  if (was.kind !== is.kind) {
    const what = called(`${KIND[was.kind]} → ${KIND[is.kind]}`);
    return [{ aspect, change: "changed", what }];
  }
  const changes = changesWithin(was, is).map(({ change, what }): Change => ({
    aspect,
    change,
    what: called(what),
  }));
  return changes.length > 0
    ? changes
    : [{ aspect, change: "formatting", what: called(KIND[was.kind]) }];
}

const KIND: Readonly<Record<Content["kind"], string>> = {
  empty: "nothing",
  json: "JSON",
  json_lines: "JSON lines",
  text: "text",
  binary: "bytes",
};

function changesWithin(was: Content, is: Content): readonly Omit<Change, "aspect">[] {
  if ("value" in was && "value" in is) {
    const root = was.kind === "json_lines" ? "lines" : "$";
    return changedPaths(was.value, is.value, { root }).map(({ change, path }) => ({
      change,
      what: path,
    }));
  }
  if (was.kind === "text" && is.kind === "text") {
    return lineChanges("output", linesOf(was.text), linesOf(is.text));
  }
  return [{ change: "changed", what: KIND.binary }];
}

/** The lines of a text, without its line ends and without an empty last one. */
export function linesOf(text: string): readonly string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}
