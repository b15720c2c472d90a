import { NexusError } from "@nexus-functions/server/core/errors";
import {
  decodeRecordingFile,
  type RecordingFile,
} from "@nexus-functions/server/core/recording-file";
import { CliError, type Cli } from "../cli.ts";
import { readInput } from "../input.ts";

/** Whether it names a recording in a file, and not one in a server's log. */
export function isRecordingFile(name: string): boolean {
  return name.endsWith(".nxr");
}

/** What is in a file. Where it cannot be used the command was given the wrong one: exit code 2. */
export async function readRecording(cli: Cli, path: string): Promise<RecordingFile> {
  const bytes = await readInput(cli, path);
  return unusable(() => decodeRecordingFile(bytes, path));
}

/** What it gives; a NexusError as an error of the command with exit code 2: nothing was found out. */
export async function unusable<T>(work: () => T | Promise<T>, hint?: string): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof NexusError)) throw cause;
    throw new CliError(cause.message, {
      cause,
      exitCode: 2,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
