import type { Outcome } from "@nexus-functions/server/runtime/runtime";
import type { Cli } from "../cli.ts";
import { runProgram, type ProgramOptions } from "./program.ts";
import { summarise } from "./summary.ts";

/** What a shell says of a program that a signal ended: 128 and the signal's number. */
const ABORTED = 128 + 6;
const BROKEN_PIPE = 128 + 13;

/** Runs a module in this command's place: its streams, its exit code. False: it cannot be run so. */
export async function asProgram(
  cli: Cli,
  program: ProgramOptions,
  verbose: boolean,
): Promise<boolean> {
  cli.endBySignal();
  const end = await runProgram(program);
  if (end.kind === "bare") return false;
  if (end.kind === "broken_pipe") {
    cli.exitWith(BROKEN_PIPE);
    return true;
  }
  const { outcome } = end;
  cli.exitWith(exitCodeOf(outcome));
  if (verbose || cli.out.attended || outcome.exitCode === null) {
    if (cli.out.attended && end.lineIsOpen) cli.out.note();
    summarise(cli, outcome, outcome);
  }
  if (end.leftThread) cli.endNow();
  return true;
}

function exitCodeOf({ exitCode, status }: Outcome): number {
  if (exitCode === null) return status === "trapped" || status === "out_of_memory" ? ABORTED : 1;
  // The system keeps eight bits; what failed shall not look as if it had not.
  return exitCode & 0xff || (exitCode === 0 ? 0 : 1);
}
