import { NexusError } from "../core/errors.ts";
import type { WatchedFile } from "./files.ts";

/** One thing wrong in what the user wrote, and where. */
export interface Problem {
  /** As the user named it. */
  readonly file: string;
  /** From 1; absent where the file is no text. */
  readonly line?: number;
  readonly column?: number;
  /** `functions[0].timeout`; empty for the file as a whole. */
  readonly path: string;
  /** The value, the rule it breaks, and what to try. */
  readonly message: string;
}

/** `nexus.yaml:12:5: functions[0].timeout: "5 parsecs" is not a duration (try "5s")` */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return path === "" ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}

/** `functions[0].env["MY KEY"]` */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (typeof step === "string" && !PLAIN_KEY.test(step)) text += `[${quote(step)}]`;
    else text += text === "" ? String(step) : `.${String(step)}`;
  }
  return text;
}

const PLAIN_KEY = /^[\w-]+$/;

/** All problems as one CONFIG_INVALID; `details` carries them, and `files`: what to watch for the repair. */
export function configInvalid(
  problems: readonly Problem[],
  files: readonly WatchedFile[],
): NexusError {
  const sorted = byPlace(problems);
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const lines = sorted.map((problem) => `\n  ${formatProblem(problem)}`).join("");
  return new NexusError("CONFIG_INVALID", `Cannot load configuration: ${count}${lines}`, {
    details: { problems: sorted, files },
  });
}

/** From top to bottom of each file; files in the order they come. */
function byPlace(problems: readonly Problem[]): Problem[] {
  const rank = new Map(
    [...new Set(problems.map(({ file }) => file))].map((file, at) => [file, at]),
  );
  return problems.toSorted(
    (a, b) =>
      rank.get(a.file)! - rank.get(b.file)! ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  );
}

const LONGEST_QUOTE = 80;

/** A text in quotes, short and on one line. */
export function quote(text: string): string {
  const cut = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
  return JSON.stringify(cut);
}

/** A value as a message names it. */
export function show(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (value === null) return "an empty value";
  if (Array.isArray(value)) return "a list";
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "a mapping";
}
