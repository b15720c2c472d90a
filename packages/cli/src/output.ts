import { stripVTControlCharacters, styleText } from "node:util";
import { tableLines, type Column } from "./table.ts";
import { fitEnd, widthOf } from "./text.ts";

/** The only place that prints. Results go to stdout, everything said beside them to stderr. */
export interface Output {
  /** Whether a person reads stdout. */
  readonly terminal: boolean;
  /** Whether a person can be asked: stdin and stderr are terminals. */
  readonly interactive: boolean;
  /** Whether a person reads stderr. */
  readonly attended: boolean;
  /** Columns of stdout; Infinity where it is no terminal, and nothing is cut. */
  readonly width: number;
  /** Columns of stderr, where it is a terminal. */
  readonly noteWidth: number;
  /** Whether stdout takes colour. */
  readonly colour: boolean;
  /** For what is printed to stdout. */
  readonly paint: Paint;
  /** For what is noted on stderr. */
  readonly notePaint: Paint;
  /** A line of the result. */
  print(line?: string): void;
  /** The result itself, as it is. */
  write(bytes: string | Uint8Array): void;
  /** The result as JSON: indented. */
  json(value: unknown): void;
  /** One of many results as JSON: a line each. */
  jsonLine(value: unknown): void;
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void;
  /** A line beside the result, on stderr. */
  note(line?: string): void;
  /** Bytes beside the result, on stderr, as they are. */
  noteRaw(bytes: string | Uint8Array): void;
  /** A line on a terminal's stderr that is written over by the next; nothing elsewhere. */
  progress(line: string): void;
  /** Takes the progress line away. */
  endProgress(): void;
}

export type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

export interface Streams {
  readonly stdin: { readonly isTTY?: boolean };
  readonly stdout: Sink;
  readonly stderr: Sink;
}

interface Sink {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(bytes: string | Uint8Array): boolean;
}

const ERASE_LINE = "\r\u001b[2K";

export function createOutput(
  { stdin, stdout, stderr }: Streams,
  env: Readonly<Record<string, string | undefined>>,
): Output {
  const terminal = stdout.isTTY === true;
  const attended = stderr.isTTY === true;
  const colour = wantsColour(env, terminal);
  const paint = painter(colour);
  const notePaint = painter(wantsColour(env, attended));
  let progressing = false;

  function endProgress(): void {
    if (!progressing) return;
    progressing = false;
    stderr.write(ERASE_LINE);
  }

  function toStdout(bytes: string | Uint8Array): void {
    endProgress();
    stdout.write(bytes);
  }

  function toStderr(bytes: string | Uint8Array): void {
    endProgress();
    stderr.write(bytes);
  }

  // Some terminals say that they have none.
  const width = (): number => (terminal ? stdout.columns || 80 : Infinity);
  const noteWidth = (): number => stderr.columns || 80;
  return {
    terminal,
    attended,
    interactive: attended && stdin.isTTY === true,
    get width() {
      return width();
    },
    get noteWidth() {
      return noteWidth();
    },
    colour,
    paint,
    notePaint,
    print: (line = "") => toStdout(`${line}\n`),
    write: toStdout,
    json: (value) => toStdout(`${JSON.stringify(value, null, 2)}\n`),
    jsonLine: (value) => toStdout(`${JSON.stringify(value)}\n`),
    table(columns, rows) {
      const paintTitle = (text: string): string => paint("dim", text);
      for (const line of tableLines(columns, rows, { width: width(), paintTitle })) {
        toStdout(`${line}\n`);
      }
    },
    note: (line = "") => toStderr(`${line}\n`),
    noteRaw: toStderr,
    progress(line) {
      if (!attended || env["TERM"] === "dumb") return;
      progressing = true;
      // A line that wraps could not be taken away again.
      const most = noteWidth() - 1;
      const fitted = widthOf(line) <= most ? line : fitEnd(stripVTControlCharacters(line), most);
      stderr.write(ERASE_LINE + fitted);
    },
    endProgress,
  };
}

/** https://no-color.org and https://force-color.org: set and not empty means so; `FORCE_COLOR=0`: none. */
function wantsColour(
  env: Readonly<Record<string, string | undefined>>,
  terminal: boolean,
): boolean {
  const { NO_COLOR: no, FORCE_COLOR: force, TERM: term } = env;
  if (force !== undefined && force !== "") return force !== "0" && force !== "false";
  if (no !== undefined && no !== "") return false;
  return terminal && term !== "dumb";
}

function painter(colour: boolean): Paint {
  return colour
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_, text) => text;
}
