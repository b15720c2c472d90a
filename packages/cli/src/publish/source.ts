import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { CliError, fileError, type Cli } from "../cli.ts";

/** An event as the user wrote it, and where: `line 12`, `event 3`, or nothing where it is the only one. */
export interface WrittenEvent {
  readonly value: unknown;
  readonly place: string;
}

/**
 * The events in a file, or in the command's input (`-`): one event, an array of them, or one a line.
 * Lines are read as they are asked for, however many there are.
 */
export async function* writtenEvents(cli: Cli, file: string): AsyncGenerator<WrittenEvent> {
  const lines = linesOf(cli, file);
  const first = await firstText(lines);
  if (first === undefined) throw new CliError(`Cannot read ${nameOf(file)}: it is empty`);
  const value = tryJson(first.text);
  if (value === undefined || Array.isArray(value)) {
    yield* wholeFile(file, first.text, lines);
    return;
  }
  yield { value, place: `line ${first.number}` };
  for await (const { text, number } of lines) {
    if (text.trim() !== "")
      yield { value: parse(text, `${nameOf(file)}, line ${number}`), place: `line ${number}` };
  }
}

interface Line {
  readonly text: string;
  readonly number: number;
}

async function* linesOf({ stdin, signal }: Cli, file: string): AsyncGenerator<Line, undefined> {
  const input = file === "-" ? stdin : createReadStream(file);
  const lines = createInterface({ input, crlfDelay: Infinity, signal });
  const failure = Promise.withResolvers<never>();
  input.once("error", failure.reject);
  failure.promise.catch(() => undefined);
  const iterator = lines[Symbol.asyncIterator]();
  try {
    for (let number = 1; ; number += 1) {
      const line = await Promise.race([iterator.next(), failure.promise]);
      if (line.done === true) break;
      yield { text: line.value, number };
    }
  } catch (error) {
    throw signal.aborted ? error : fileError("read", file, error);
  } finally {
    lines.close();
    if (file !== "-") input.destroy();
  }
  return undefined;
}

async function firstText(lines: AsyncGenerator<Line, undefined>): Promise<Line | undefined> {
  for (;;) {
    const line = await lines.next();
    if (line.done === true) return undefined;
    if (line.value.text.trim() !== "") return line.value;
  }
}

async function* wholeFile(
  file: string,
  first: string,
  rest: AsyncIterable<Line>,
): AsyncGenerator<WrittenEvent> {
  const texts = [first];
  for await (const { text } of rest) texts.push(text);
  const value = parse(texts.join("\n"), nameOf(file));
  if (!Array.isArray(value)) yield { value, place: "" };
  else
    for (const [index, one] of value.entries())
      yield { value: one as unknown, place: `event ${index + 1}` };
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`Cannot read ${where}: it is not JSON: ${(error as SyntaxError).message}`, {
      hint: "One event, an array of events, or one event a line.",
    });
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function nameOf(file: string): string {
  return file === "-" ? "the input" : `"${file}"`;
}
