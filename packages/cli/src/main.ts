import { readFileSync } from "node:fs";
import { NexusError, type ErrorCode } from "@nexus-functions/server/core/errors";
import { CliError, type Cli } from "./cli.ts";
import { createOutput, type Output } from "./output.ts";
import { createProgram, UsageError } from "./program.ts";
import { indent, visible } from "./text.ts";

/** Exit code of a command that Ctrl-C ended, as shells have it. */
const INTERRUPTED = 130;

/** The process: parses the command line, runs one command, prints its error, sets the exit code. */
export async function main(): Promise<void> {
  const out = createOutput(process, process.env);
  endQuietlyOnBrokenPipe();
  const interrupt = new AbortController();
  onInterrupt(interrupt, out);
  process.exitCode = 0;
  const cli: Cli = {
    out,
    env: process.env,
    stdin: process.stdin,
    signal: interrupt.signal,
    exitWith: (code) => (process.exitCode = code),
  };
  try {
    await createProgram(cli, packageVersion()).parseAsync(process.argv);
  } catch (error) {
    process.exitCode =
      interrupt.signal.aborted && isAbort(error) ? INTERRUPTED : printError(error, out);
  } finally {
    out.endProgress();
  }
}

function printError(error: unknown, out: Output): number {
  const paint = out.notePaint;
  const say = (message: string, hint?: string): void => {
    const text = visible(message.charAt(0).toLowerCase() + message.slice(1), true);
    out.note(`${paint("red", "nexus:")} ${indent(text, "  ").trimStart()}`);
    if (hint !== undefined) out.note(paint("dim", indent(visible(hint, true), "  ")));
  };
  if (error instanceof UsageError) {
    if (error.message !== "") {
      say(error.message);
      out.note(`  usage: ${error.usage}`);
      out.note(paint("dim", `  see \`${error.helpCommand}\``));
    }
    return error.exitCode;
  }
  if (error instanceof CliError) {
    say(error.message, error.hint);
    return error.exitCode;
  }
  if (error instanceof NexusError) {
    say(error.message, SELF_EXPLAINING.has(error.code) ? undefined : error.facts.help);
    return 1;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(`this is a bug in nexus, please report it:\n${stack}`);
  return 1;
}

/** Codes whose messages say all; their help is for those who meet them over HTTP. */
const SELF_EXPLAINING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "BODY_INVALID",
  "CONFIG_INVALID",
  "EVENT_INVALID",
  "MODULE_INVALID",
  "REQUEST_INVALID",
]);

// A second Ctrl-C is for the case that the first one's way out takes too long.
function onInterrupt(interrupt: AbortController, out: Output): void {
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (interrupt.signal.aborted) {
        out.endProgress();
        process.exit(INTERRUPTED);
      }
      interrupt.abort();
    });
  }
}

// `nexus events | head`: the reader has what it wanted.
function endQuietlyOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit();
    });
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.cause === "aborted");
}

function packageVersion(): string {
  const file = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(file) as { readonly version: string }).version;
}
