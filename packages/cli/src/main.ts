import { readFileSync } from "node:fs";
import { isatty } from "node:tty";
import { NexusProblem } from "@nexus-functions/client/problem";
import { NexusError } from "@nexus-functions/server/core/errors";
import { CliError, type Cli } from "./cli.ts";
import { hintFor } from "./hints.ts";
import { createOutput, type Output } from "./output.ts";
import { createProgram, UsageError } from "./program.ts";
import { indent, visible } from "./text.ts";

/** Exit code of a command that Ctrl-C ended, as shells have it. */
const INTERRUPTED = 130;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** The process: parses the command line, runs one command, prints its error, sets the exit code. */
export async function main(): Promise<void> {
  const { stdout, stderr } = process;
  // Node makes a stream of stdin, and changes what it shares with other programs, when it is first asked for.
  const out = createOutput({ stdin: { isTTY: isatty(0) }, stdout, stderr }, process.env);
  endQuietlyOnBrokenPipe();
  const interrupt = new AbortController();
  const endBySignal = onInterrupt(interrupt, out);
  process.exitCode = 0;
  const cli: Cli = {
    out,
    env: process.env,
    get stdin() {
      return process.stdin;
    },
    signal: interrupt.signal,
    exitWith: (code) => (process.exitCode = code),
    endBySignal,
    endNow,
  };
  try {
    const program = await createProgram(cli, packageVersion(), process.argv[2]);
    await program.parseAsync(process.argv);
  } catch (error) {
    process.exitCode = interrupt.signal.aborted ? INTERRUPTED : printError(error, out);
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
    say(error.message, hintFor(error.code));
    return 1;
  }
  if (error instanceof NexusProblem) {
    say(error.message, problemHint(error));
    return 1;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(`this is a bug in nexus, please report it:\n${stack}`);
  return 1;
}

function problemHint({ code, traceId }: NexusProblem): string | undefined {
  if (code === "UNREACHABLE") return undefined; // its message says what to do
  return code === "INTERNAL" && traceId !== ""
    ? `The server's log has the details under trace_id ${traceId}.`
    : hintFor(code);
}

// A second Ctrl-C is for the case that the first one's way out takes too long.
function onInterrupt(interrupt: AbortController, out: Output): () => void {
  const heard = (): void => {
    if (interrupt.signal.aborted) {
      out.endProgress();
      process.exit(INTERRUPTED);
    }
    interrupt.abort();
  };
  for (const name of SIGNALS) process.on(name, heard);
  return () => {
    for (const name of SIGNALS) process.off(name, heard);
  };
}

// process.exit() waits for every thread, also for one that reads from a terminal where nobody types.
function endNow(): never {
  const code = Number(process.exitCode);
  process.execve?.(process.execPath, [process.execPath, "-e", `process.exit(${code})`]);
  process.exit();
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

function packageVersion(): string {
  const file = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(file) as { readonly version: string }).version;
}
