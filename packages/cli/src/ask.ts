import { createInterface } from "node:readline/promises";
import { CliError, type Cli } from "./cli.ts";

/** Asks a person a question, on stderr. Ctrl-C ends the command; so does the end of the input. */
export async function ask({ stdin, signal }: Cli, question: string): Promise<string> {
  using lines = createInterface({ input: stdin, output: process.stderr });
  // The terminal is in raw mode meanwhile: Ctrl-C comes as a key.
  lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const closed = new AbortController();
  lines.once("close", () => closed.abort());
  try {
    return await lines.question(question, { signal: AbortSignal.any([signal, closed.signal]) });
  } catch (error) {
    if (signal.aborted || !closed.signal.aborted) throw error;
    throw new CliError("Cannot go on: the question was not answered", { cause: error });
  }
}

/** Whether the answer is yes; anything else is no. */
export async function confirm(cli: Cli, question: string): Promise<boolean> {
  const answer = await ask(cli, `${question} ${cli.out.notePaint("dim", "[y/N]")} `);
  return /^y(?:es)?$/i.test(answer.trim());
}
