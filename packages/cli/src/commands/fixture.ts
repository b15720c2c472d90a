import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Command } from "commander";
import {
  decodeRecordingFile,
  type RecordingFile,
} from "@nexus-functions/server/core/recording-file";
import { fileError, type Cli } from "../cli.ts";
import { connect } from "../connect.ts";
import type { Fixture } from "../fixture/fixture.ts";
import { withReadingOptions, type ReadingOptions } from "../reading.ts";
import { isRecordingFile, readRecording } from "../recording/file.ts";
import type { PartsOptions } from "../recording/parts.ts";

interface Options extends ReadingOptions, PartsOptions {
  readonly output?: string;
}

export const FIXTURES_DIR = "tests/fixtures";

export function fixtureCommand(cli: Cli): Command {
  const command = new Command("fixture")
    .summary("make a test of a past run")
    .description(
      "Writes what an invocation was given and what came of it into a file for `nexus test`, redacted as its function says. It is JSON, to be reviewed and committed.",
    )
    .argument(
      "<invocation>",
      "the invocation's id (see `nexus invocations`); or a recording, x.nxr",
    )
    .option("-o, --output <path>", `a folder, or a file that ends with .json (${FIXTURES_DIR})`)
    .option("--module <file>", "a recording in a file: the module, where it is not in it");
  return withReadingOptions(command).action((id: string, options: Options) =>
    fixture(cli, id, options),
  );
}

async function fixture(cli: Cli, id: string, options: Options): Promise<void> {
  const { out } = cli;
  const [{ makeFixture }, { fixtureText }, { versionIn }, { withRuntime }] = await Promise.all([
    import("../fixture/make.ts"),
    import("../fixture/fixture.ts"),
    import("../recording/parts.ts"),
    import("../recording/again.ts"),
  ]);
  const file = await recordingOf(cli, id, options);
  const version = await versionIn(cli, id, file, options);
  const made = await withRuntime(cli, (deps) => makeFixture(file, version, deps));
  const path = pathOf(made, options.output ?? FIXTURES_DIR);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, fixtureText(made));
  } catch (error) {
    throw fileError("write", path, error);
  }
  const { function: name, redacted } = made;
  if (options.json === true) return out.json({ file: path, function: name, redacted });
  out.print(`${out.paint("green", "✓")} ${path}`);
  if (redacted.length > 0) out.note(`Replaced in it: ${redacted.join(", ")}.`);
}

async function recordingOf(cli: Cli, id: string, options: Options): Promise<RecordingFile> {
  if (isRecordingFile(id)) return readRecording(cli, id);
  const bytes = await connect(cli, options).exportRecording(id, { withModule: true });
  return decodeRecordingFile(bytes, id);
}

/** The end of an invocation's id is chance: its beginning is the time. */
function pathOf({ function: name, invocation }: Fixture, output: string): string {
  return output.endsWith(".json")
    ? output
    : join(output, `${name}-${invocation.slice(-12)}.fixture.json`);
}
