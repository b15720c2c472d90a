import { styleText } from "node:util";
import type { Loggable } from "./loggable.ts";

export interface PrettyEntry {
  readonly time: Date;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, Loggable>>;
}

type Style = Parameters<typeof styleText>[0];

const LEVEL_STYLE = {
  debug: "dim",
  info: "green",
  warn: "yellow",
  error: "red",
} as const satisfies Record<PrettyEntry["level"], Style>;

const MESSAGE_WIDTH = 32;

/**
 * A line for people: local time, level, message, then function, event and the beginning of the trace
 * id, then the other fields; stacks on lines of their own below. Control characters are shown, not
 * obeyed: what a function or a client sent must not steer the reader's terminal.
 */
export function prettyLine(entry: PrettyEntry, colour: boolean): string {
  const paint = (style: Style, text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const { function: fn, event_id: event, trace_id: trace, ...others } = entry.fields;

  const message = visible(entry.message);
  const parts: string[] = [];
  if (fn !== undefined) parts.push(paint("cyan", inline(fn)));
  if (event !== undefined) parts.push(paint("magenta", inline(event)));
  if (trace !== undefined) parts.push(paint("dim", `trace=${inline(trace).slice(0, 8)}`));
  for (const [name, value] of Object.entries(others)) {
    parts.push(`${paint("dim", `${visible(name)}=`)}${inline(value)}`);
  }

  const head = [
    paint("dim", clock(entry.time)),
    paint(LEVEL_STYLE[entry.level], entry.level.toUpperCase().padEnd(5)),
    parts.length === 0 ? message : message.padEnd(MESSAGE_WIDTH),
    ...parts,
  ].join(" ");
  const stacks = Object.values(others).flatMap(stackLines);
  return [head, ...stacks.map((line) => paint("dim", `    ${line}`)), ""].join("\n");
}

function clock(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const seconds = `${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
  return `${two(time.getHours())}:${two(time.getMinutes())}:${seconds}`;
}

function inline(value: Loggable): string {
  if (typeof value === "string") {
    return value === "" || /[\s"=]/.test(value) ? visible(JSON.stringify(value)) : visible(value);
  }
  const error = errorOf(value);
  if (error === undefined) return visible(JSON.stringify(value));
  const code = error.code === undefined ? "" : inline(error.code);
  const cause = error.cause === undefined ? "" : ` (cause: ${inline(error.cause)})`;
  // Node's own messages begin with their code.
  const name = error.message.includes(code) ? error.name : `${error.name} ${code}`;
  return `${visible(name)}: ${visible(error.message)}${cause}`;
}

interface ErrorFields {
  readonly name: string;
  readonly message: string;
  readonly code?: Loggable;
  readonly stack?: Loggable;
  readonly cause?: Loggable;
}

function errorOf(value: Loggable): ErrorFields | undefined {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return undefined;
  const { name, message } = value as Readonly<Record<string, Loggable>>;
  if (typeof name !== "string" || typeof message !== "string") return undefined;
  return value as unknown as ErrorFields;
}

/** The frames of an error and of its causes; the first lines repeat the message, which stands above. */
function stackLines(value: Loggable): readonly string[] {
  const error = errorOf(value);
  if (error === undefined) return [];
  const frames =
    typeof error.stack === "string"
      ? error.stack
          .split("\n")
          .filter((line) => /^\s+at /.test(line))
          .map((line) => visible(line.trim()))
      : [];
  const below = error.cause === undefined ? [] : stackLines(error.cause);
  return below.length === 0 ? frames : [...frames, "caused by", ...below];
}

// Control characters, and those that reorder or break a line.
const UNSAFE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

function visible(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
