import { Command } from "commander";
import { connect } from "../connect.ts";
import type { Cli } from "../cli.ts";
import { withReadingOptions, type ReadingOptions } from "../reading.ts";
import { invocationLines } from "../records.ts";

interface Options extends ReadingOptions {
  readonly function?: string;
}

export function replayCommand(cli: Cli): Command {
  const command = new Command("replay")
    .summary("run a past event again")
    .description(
      "Runs a kept event again, live, on every function it matches now, and waits for them. The record says that it was a replay, and the function sees NEXUS_REPLAY=true.",
    )
    .argument("<event-id>", "see `nexus events`")
    .option("-f, --function <name>", "on this function only");
  return withReadingOptions(command).action((id: string, options: Options) =>
    replay(cli, id, options),
  );
}

async function replay(cli: Cli, id: string, options: Options): Promise<void> {
  const { out } = cli;
  out.progress("Replaying …");
  const { invocations } = await connect(cli, options).replay(id, { function: options.function });
  if (invocations.some(({ status }) => status !== "succeeded")) cli.exitWith(1);
  if (options.json === true) return out.json({ invocations });
  if (invocations.length === 0) return out.note("No function takes this event now.");
  const nameWidth = Math.max(...invocations.map((record) => record.function.length));
  for (const record of invocations) {
    for (const line of invocationLines(record, out.paint, { width: out.width, nameWidth }))
      out.print(line);
  }
}
