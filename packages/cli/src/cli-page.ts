import { createOutput } from "./output.ts";
import { createProgram } from "./program.ts";
import { reference } from "./reference.ts";

const BEGIN = "<!-- Generated from the commands by `npm run generate`; do not edit below. -->";

/** docs/cli.md with its reference brought up to date; what stands before it is written by hand. */
export async function cliPage(current: string): Promise<string> {
  const [head] = current.split(BEGIN);
  const silent = { write: () => true };
  const program = await createProgram(
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
  return `${head!.trimEnd()}\n\n${BEGIN}\n\n${reference(program)}`;
}
