import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { CliError, fileError, type Cli } from "../cli.ts";
import { connect } from "../connect.ts";
import { withReadingOptions, type ReadingOptions } from "../reading.ts";
import { formatBytes } from "../units.ts";

interface ExportOptions extends Omit<ReadingOptions, "json"> {
  readonly output?: string;
  readonly withModule?: boolean;
}

export function recordingCommand(cli: Cli): Command {
  return new Command("recording")
    .summary("take a run's recording to another machine, or look into one")
    .description(
      "A recording holds all it takes to run an invocation again, bit for bit: `nexus replay x.nxr` does so on any machine.",
    )
    .addCommand(exportCommand(cli))
    .addCommand(showCommand(cli));
}

function exportCommand(cli: Cli): Command {
  const command = new Command("export")
    .summary("write one into a file")
    .description(
      "Writes an invocation's recording, with its event and its version, into a file or a pipe; redacted as its function says. It holds the function's environment: whoever has the file can read it.",
    )
    .argument("<invocation>", "the invocation's id (see `nexus invocations`)")
    .option("-o, --output <file>", "the file to write; without it, the command's output")
    .option("--with-module", "with the module and what was mounted: it then needs nothing else");
  return withReadingOptions(command, { json: false }).action((id: string, options: ExportOptions) =>
    exportRecording(cli, id, options),
  );
}

function showCommand(cli: Cli): Command {
  return new Command("show")
    .summary("show what is in one")
    .description(
      "Shows the run, its event and version, whether it must go the same way again or why not, and all that it was given, one after another.",
    )
    .argument("<file>", "a recording, x.nxr; - for the command's input")
    .option("--json", "print JSON")
    .action((file: string, options: { readonly json?: boolean }) => show(cli, file, options));
}

async function exportRecording(cli: Cli, id: string, options: ExportOptions): Promise<void> {
  const { out } = cli;
  const { output, withModule } = options;
  if (output === undefined && out.terminal) {
    throw new CliError("Cannot write a recording to a terminal: it is bytes", {
      hint: `Name a file with -o, or write into one: > ${id}.nxr`,
      exitCode: 2,
    });
  }
  const bytes = await connect(cli, options).exportRecording(id, { withModule });
  const { decodeRecordingFile } = await import("@nexus-functions/server/core/recording-file");
  const { redacted } = decodeRecordingFile(bytes, output ?? id);
  if (output === undefined) {
    out.write(bytes);
  } else {
    await write(output, bytes);
    out.print(`${out.paint("green", "✓")} ${output}  ${formatBytes(bytes.length)}`);
  }
  if (redacted.length > 0) out.note(`Replaced in it: ${redacted.join(", ")}.`);
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(file, bytes);
  } catch (error) {
    throw fileError("write", file, error);
  }
}

async function show(cli: Cli, path: string, { json }: { readonly json?: boolean }): Promise<void> {
  const [{ readRecording }, { recordingJson, showRecording }] = await Promise.all([
    import("../recording/file.ts"),
    import("../recording/show.ts"),
  ]);
  const file = await readRecording(cli, path);
  if (json === true) cli.out.json(await recordingJson(file));
  else await showRecording(cli, file);
}
