import { Command } from "commander";
import { connect, type Accepted, type Api } from "../api.ts";
import { CliError, type Cli } from "../cli.ts";
import { completed, madeEvent, type MadeOptions } from "../publish/made.ts";
import { writtenEvents, type WrittenEvent } from "../publish/source.ts";
import { withReadingOptions, type ReadingOptions } from "../reading.ts";
import { invocationLines } from "../records.ts";
import { counted, visible } from "../text.ts";
import { formatDuration } from "../units.ts";
import * as value from "../values.ts";

interface Options extends ReadingOptions, MadeOptions {
  readonly event?: string;
  readonly wait?: number;
}

const EXAMPLES = `
Examples:
  nexus publish com.example.hello --data '{"name":"Ada"}' --wait 5s
  nexus publish com.example.photo --data @photo.jpg --content-type image/jpeg
  nexus publish --event events/hello.json
  zcat events.ndjson.gz | nexus publish --event -`;

export function publishCommand(cli: Cli): Command {
  const command = new Command("publish")
    .summary("send events")
    .description(
      "Sends an event, or every event in a file, and returns when the server has made it durable.",
    )
    .argument("[type]", "the event's type; or use --event")
    .option("-d, --data <data>", "its data: JSON, @file, or - for the command's input")
    .option(
      "-e, --event <file>",
      "whole CloudEvents as JSON: one, an array, or one a line; - for the input",
    )
    .option("--id <id>", "the event's id (a new one)")
    .option("--source <source>", "the event's source (/nexus/cli)")
    .option("--subject <subject>", "the event's subject")
    .option("--content-type <type>", "what the data is (application/json)")
    .option(
      "-w, --wait <duration>",
      "wait that long for the functions, and show what they did",
      value.duration,
    );
  return withReadingOptions(command)
    .addHelpText("after", EXAMPLES)
    .action((type: string | undefined, options: Options) => publish(cli, type, options));
}

async function publish(cli: Cli, type: string | undefined, options: Options): Promise<void> {
  if ((type === undefined) === (options.event === undefined)) {
    throw new CliError("Cannot publish: give either a type or --event with a file", {
      exitCode: 2,
    });
  }
  const api = connect(cli, options);
  if (type !== undefined) {
    const event = await madeEvent(cli, type, options);
    const [accepted] = await api.publish([event], options.wait);
    report(cli, accepted!, options);
    return;
  }
  await publishFile(cli, api, options);
}

function report(cli: Cli, accepted: Accepted, options: Options): void {
  const { out } = cli;
  const { status, event_id: id, position, invocations } = accepted;
  if (options.wait !== undefined && !isDone(accepted)) cli.exitWith(1);
  if (options.json === true) return out.json(accepted);
  const { paint } = out;
  const mark = status === "accepted" ? paint("green", "✓") : paint("yellow", "!");
  out.print(`${mark} ${status.padEnd(9)} ${visible(id)}  ${paint("dim", `position ${position}`)}`);
  if (status === "duplicate")
    out.note(
      out.notePaint(
        "dim",
        "  The log holds an event with this source and id already; nothing ran.",
      ),
    );
  if (options.wait === undefined) return;
  if (invocations === undefined) {
    out.note(
      `  The functions have not finished within ${formatDuration(options.wait)}: see \`nexus invocations\`.`,
    );
    return;
  }
  const nameWidth = Math.max(0, ...invocations.map((record) => record.function.length));
  for (const record of invocations) {
    for (const line of invocationLines(record, paint, { width: out.width, nameWidth }))
      out.print(line);
  }
  if (invocations.length === 0 && status === "accepted")
    out.note("  No function takes events of this type.");
}

// Attempts are listed oldest first: the last of each function says how its delivery ended.
function isDone({ invocations }: Accepted): boolean {
  const last = new Map(invocations?.map((record) => [record.function, record.status]));
  return invocations !== undefined && [...last.values()].every((status) => status === "succeeded");
}

const BATCH_EVENTS = 100;
const BATCH_BYTES = 256 * 1024;

async function publishFile(cli: Cli, api: Api, options: Options): Promise<void> {
  const { out } = cli;
  const begun = performance.now();
  const count = { accepted: 0, duplicate: 0 };
  let only: Accepted | undefined;
  for await (const batch of batches(writtenEvents(cli, options.event!))) {
    const answers = await send(api, batch, options.wait, count.accepted + count.duplicate);
    only = count.accepted + count.duplicate === 0 && answers.length === 1 ? answers[0] : undefined;
    for (const answer of answers) {
      count[answer.status] += 1;
      if (options.wait !== undefined && !isDone(answer)) cli.exitWith(1);
    }
    if (only !== undefined) continue;
    if (options.json === true) for (const answer of answers) out.jsonLine(answer);
    const done = count.accepted + count.duplicate;
    const perSecond = Math.round(done / ((performance.now() - begun) / 1000));
    out.progress(`Publishing … ${counted(done, "event")}, ${perSecond.toLocaleString("en-US")}/s`);
  }
  out.endProgress();
  if (only !== undefined) return report(cli, only, options);
  if (options.json === true) return;
  const duplicates = count.duplicate === 0 ? "" : `, ${counted(count.duplicate, "duplicate")}`;
  out.print(
    `${out.paint("green", "✓")} ${counted(count.accepted, "event")} accepted${duplicates} in ${formatDuration(performance.now() - begun)}`,
  );
}

async function* batches(
  events: AsyncIterable<WrittenEvent>,
): AsyncGenerator<readonly WrittenEvent[]> {
  let batch: WrittenEvent[] = [];
  let bytes = 0;
  for await (const event of events) {
    const size = JSON.stringify(event.value).length;
    if (batch.length === BATCH_EVENTS || (batch.length > 0 && bytes + size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(event);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

async function send(
  api: Api,
  batch: readonly WrittenEvent[],
  waitMs: number | undefined,
  before: number,
): Promise<readonly Accepted[]> {
  try {
    return await api.publish(
      batch.map(({ value }) => completed(value)),
      waitMs,
    );
  } catch (error) {
    const from = batch[0]!.place;
    const to = batch.at(-1)!.place;
    if (from === "" || !(error instanceof CliError)) throw error;
    const where = from === to ? from : `${from} to ${to}`;
    throw new CliError(
      `${error.message} (in ${where}; nothing of them was kept, ${counted(before, "event")} before were)`,
      {
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        cause: error,
      },
    );
  }
}
