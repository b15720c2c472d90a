import type { Command } from "commander";
import { createOutput } from "./output.ts";
import { createProgram } from "./program.ts";
import { reference } from "./reference.ts";

const BEGIN = "<!-- Generated from the commands by `npm run generate`; do not edit below. -->";

/** docs/cli.md with its reference brought up to date; what stands before it is written by hand. */
export async function cliPage(current: string): Promise<string> {
  const [head] = current.split(BEGIN);
  return `${head!.trimEnd()}\n\n${BEGIN}\n\n${reference(await silentProgram())}`;
}

/** The whole command line, for those who read it and run nothing. It prints nothing. */
export function silentProgram(): Promise<Command> {
  const silent = { write: () => true };
  return createProgram(
    {
      out: createOutput({ stdin: {}, stdout: silent, stderr: silent }, {}),
      env: {},
      stdin: process.stdin,
      signal: new AbortController().signal,
      exitWith: () => undefined,
      endBySignal: () => undefined,
      endNow: () => process.exit(),
    },
    "0.0.0",
  );
}
