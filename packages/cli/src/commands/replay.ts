import { NexusProblem } from "@nexus-functions/client/problem";
import type { Rerun } from "@nexus-functions/client/api.gen";
import type { NexusClient } from "@nexus-functions/client/client";
import { Command } from "commander";
import { connect } from "../connect.ts";
import type { Cli } from "../cli.ts";
import { isRecordingFile } from "../recording/file.ts";
import type { PartsOptions } from "../recording/parts.ts";
import { withReadingOptions, type ReadingOptions } from "../reading.ts";
import { invocationLines } from "../records.ts";
import { visible } from "../text.ts";

interface Options extends ReadingOptions, PartsOptions {
  readonly function?: string;
}

export function replayCommand(cli: Cli): Command {
  const command = new Command("replay")
    .summary("run a past event or invocation again")
    .description(
      "An invocation is run again from its recording, on its own version and without effects, and compared bit for bit; the exit code is 1 where they differ. A recording in a file is run here, without a server; the exit code is 2 where it cannot be. An event is run again live, on every function it matches now: the record says that it was a replay, and the function sees NEXUS_REPLAY=true.",
    )
    .argument(
      "<id>",
      "of an invocation (see `nexus invocations`) or of an event (see `nexus events`); or a recording, x.nxr",
    )
    .option("-f, --function <name>", "an event: on this function only")
    .option("--module <file>", "a recording in a file: the module, where it is not in it")
    .option(
      "-c, --config <file>",
      "a recording in a file: the project that has its module (NEXUS_CONFIG, nexus.yaml)",
    )
    .option(
      "--data-dir <dir>",
      "a recording in a file: the data directory that has its module (NEXUS_DATA_DIR)",
    );
  return withReadingOptions(command).action((id: string, options: Options) =>
    replay(cli, id, options),
  );
}

async function replay(cli: Cli, id: string, options: Options): Promise<void> {
  const { out } = cli;
  out.progress("Replaying …");
  if (isRecordingFile(id)) {
    const { fileAgain } = await import("../recording/again.ts");
    return showRerun(cli, await fileAgain(cli, id, options), options);
  }
  const client = connect(cli, options);
  const rerun = await rerunOf(client, id);
  if (rerun !== undefined) return showRerun(cli, rerun, options);
  const { invocations } = await client.replay(id, { function: options.function });
  if (invocations.some(({ status }) => status !== "succeeded")) cli.exitWith(1);
  if (options.json === true) return out.json({ invocations });
  if (invocations.length === 0) return out.note("No function takes this event now.");
  const nameWidth = Math.max(...invocations.map((record) => record.function.length));
  for (const record of invocations) {
    for (const line of invocationLines(record, out.paint, { width: out.width, nameWidth }))
      out.print(line);
  }
}

/** Undefined: no invocation has that id, so it is an event's. */
async function rerunOf(client: NexusClient, id: string): Promise<Rerun | undefined> {
  try {
    return await client.replayInvocation(id);
  } catch (error) {
    if (error instanceof NexusProblem && error.code === "INVOCATION_NOT_FOUND") return undefined;
    throw error;
  }
}

function showRerun(cli: Cli, rerun: Rerun, { json }: Options): void {
  const { out } = cli;
  const { recorded, identical, differs, hashes, not_hermetic: reasons } = rerun;
  if (!identical) cli.exitWith(1);
  if (json === true) return out.json(rerun);
  const { paint } = out;
  const verdict = identical
    ? `${paint("green", "✓ identical")}: output, logs and effects are the same, bit for bit`
    : `${paint("red", "✗ not identical")}: ${differs.join(", ")}`;
  out.print(`${recorded.function} ${recorded.id}`);
  out.print(`  ${verdict}`);
  for (const part of ["output", "logs", "effects"] as const) {
    const same = hashes.recorded[part] === hashes.replayed[part];
    const now = same ? "" : `, now ${hashes.replayed[part].slice(0, 16)}`;
    out.print(`  ${part.padEnd(8)}${hashes.recorded[part].slice(0, 16)}${now}`);
  }
  if (rerun.replayed.error !== null && !identical)
    out.print(`  ${visible(rerun.replayed.error.message)}`);
  if (reasons.length > 0) out.note(`It need not go the same way again: ${reasons.join(", ")}.`);
}
