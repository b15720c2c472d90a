import { existsSync } from "node:fs";
import { Command } from "commander";
import { readConfig } from "@nexus-functions/server/config";
import { NexusError } from "@nexus-functions/server/core/errors";
import { countsLine, showProgress, withBackupOptions, type BackupOptions } from "../backup.ts";
import { CliError, fileError, type Cli } from "../cli.ts";
import { formatBytes } from "../units.ts";

interface Options extends BackupOptions {
  readonly resume?: boolean;
}

export function exportCommand(cli: Cli): Command {
  const command = new Command("export")
    .summary("back up a log, or take it to another driver")
    .description(
      "Writes events, records, dead letters, the places of functions, state and modules into one file, as they are at this moment. Servers may go on working meanwhile.",
    )
    .argument("<file>", "the archive to write; until it is whole, it is <file>.part")
    .option("--resume", "go on with an export that was cut off");
  return withBackupOptions(command).action((file: string, options: Options) =>
    exportTo(cli, file, options),
  );
}

async function exportTo(cli: Cli, file: string, options: Options): Promise<void> {
  const { out, signal } = cli;
  const resume = options.resume === true;
  const part = `${file}.part`;
  if (existsSync(file)) {
    throw new CliError(`Cannot write "${file}": it exists already`, {
      hint: "Name another file, or remove this one first.",
    });
  }
  if (!resume && existsSync(part)) {
    throw new CliError(`Cannot write "${part}": it is there from an export that was cut off`, {
      hint: "Go on with --resume, or remove it first.",
    });
  }
  const config = readConfig(
    cli.env,
    { configFile: options.config, dataDir: options.dataDir },
    existsSync,
  );
  const { exportLog } = await import("@nexus-functions/server/backup");
  try {
    const { id, driver, counts, bytes } = await exportLog(config, {
      path: file,
      ...(options.driver === undefined ? {} : { driver: options.driver }),
      resume,
      write: (text) => out.noteRaw(text),
      onProgress: (progress) => showProgress(out, "Exporting", progress),
      signal,
    });
    if (options.json === true) return out.json({ file, id, driver, ...counts, bytes });
    out.print(`${out.paint("green", "✓")} ${file}  ${formatBytes(bytes)}`);
    out.print(`  ${countsLine(counts)}`);
  } catch (error) {
    if (signal.aborted) out.note(`Stopped; go on with \`nexus export --resume ${file}\`.`);
    if (signal.aborted || error instanceof NexusError) throw error;
    throw fileError("write", part, error);
  }
}
