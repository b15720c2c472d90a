import { existsSync } from "node:fs";
import { Command } from "commander";
import { readConfig } from "@nexus-functions/server/config";
import { NexusError } from "@nexus-functions/server/core/errors";
import { countsLine, showProgress, withBackupOptions, type BackupOptions } from "../backup.ts";
import { fileError, type Cli } from "../cli.ts";

export function importCommand(cli: Cli): Command {
  const command = new Command("import")
    .summary("restore a backup, or bring a log to this driver")
    .description(
      "Brings an archive of `nexus export` into a fresh log, embedded or NATS, while no server works on it. One that was cut off goes on when the command is given again.",
    )
    .argument("<file>", "the archive");
  return withBackupOptions(command).action((file: string, options: BackupOptions) =>
    importFrom(cli, file, options),
  );
}

async function importFrom(cli: Cli, file: string, options: BackupOptions): Promise<void> {
  const { out, signal } = cli;
  const config = readConfig(
    cli.env,
    { configFile: options.config, dataDir: options.dataDir },
    existsSync,
  );
  const { importLog } = await import("@nexus-functions/server/backup");
  try {
    const { id, driver, begun, counts } = await importLog(config, {
      path: file,
      ...(options.driver === undefined ? {} : { driver: options.driver }),
      write: (text) => out.noteRaw(text),
      onProgress: (progress) => showProgress(out, "Importing", progress),
      signal,
    });
    const result = begun === "done" ? "present" : "imported";
    if (options.json === true) return out.json({ file, id, driver, result, ...counts });
    const said =
      begun === "done"
        ? `${out.paint("yellow", "!")} ${file} was imported here before; nothing was changed`
        : `${out.paint("green", "✓")} ${file} is imported (${driver})`;
    out.print(said);
    out.print(`  ${countsLine(counts)}`);
  } catch (error) {
    if (signal.aborted) out.note("Stopped; give the same command again to go on.");
    if (signal.aborted || error instanceof NexusError) throw error;
    throw fileError("read", file, error);
  }
}
