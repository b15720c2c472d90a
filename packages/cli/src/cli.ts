import type { Environment } from "@nexus-functions/server/config";
import type { Output } from "./output.ts";

/** What every command is handed: the world outside, and how to end. */
export interface Cli {
  readonly out: Output;
  readonly env: Environment;
  /** What a person pipes in, or types. */
  readonly stdin: NodeJS.ReadStream;
  /** Aborts at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
  readonly signal: AbortSignal;
  /** The exit code once the command has returned; 0 unless said. */
  exitWith(code: number): void;
  /** From now on Ctrl-C and SIGTERM end the process at once, by the signal, as they end any other program. */
  endBySignal(): void;
  /**
   * Ends the process with its exit code now, though a thread sits in a call of the system's that does
   * not end: Node would wait for it.
   */
  endNow(): never;
}

export interface CliErrorOptions extends ErrorOptions {
  /** What the reader can do next; no full stop. */
  readonly hint?: string;
  /** 2: the command was used wrongly. */
  readonly exitCode?: 1 | 2;
}

/** A failure of the command itself, in the grammar of NexusError: `Cannot <do what> <to what>: <how it is>`. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly hint: string | undefined;
  readonly exitCode: 1 | 2;

  constructor(message: string, options: CliErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** A file that cannot be read or written, in words; anything else is a bug and goes on. */
export function fileError(doWhat: string, path: string, error: unknown): CliError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "string") throw error;
  return new CliError(`Cannot ${doWhat} "${path}": ${FILE_FAULTS[code] ?? code}`, { cause: error });
}

const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is not a folder",
  EACCES: "you may not (check its permissions)",
  EPERM: "you may not (check its permissions)",
  ENOSPC: "the disk is full",
  EROFS: "the file system is read-only",
  EEXIST: "it exists already",
};
