import { Command } from "commander";
import type { Accepted } from "@nexus-functions/client/api.gen";
import type { NexusClient } from "@nexus-functions/client/client";
import { CliError, type Cli } from "../cli.ts";
import { connect } from "../connect.ts";
import type { Output } from "../output.ts";
import { publishAll } from "../publish/file.ts";
import { madeEvent, type MadeOptions } from "../publish/made.ts";
import { printAccepted, waited, type Waited } from "../publish/report.ts";
import { writtenEvents, type WrittenEvent } from "../publish/source.ts";
import { withReadingOptions, type ReadingOptions } from "../reading.ts";
import { counted } from "../text.ts";
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
  const events =
    type === undefined
      ? writtenEvents(cli, options.event!)
      : only(await madeEvent(cli, type, options));
  await publishEvents(cli, api, { events, options });
}

async function* only(value: unknown): AsyncGenerator<WrittenEvent> {
  yield { value, place: "" };
}

async function publishEvents(
  cli: Cli,
  api: NexusClient,
  { events, options }: { events: AsyncIterable<WrittenEvent>; options: Options },
): Promise<void> {
  const { out } = cli;
  const { wait: waitMs } = options;
  const wait = waitMs === undefined ? undefined : `${waitMs}ms`;
  const tally = { accepted: 0, duplicate: 0 };
  const begun = performance.now();
  let first: Accepted | undefined;
  let result: Waited = "succeeded";
  for await (const { accepted: answer, tookMs } of publishAll(api, events, wait)) {
    tally[answer.status] += 1;
    const count = tally.accepted + tally.duplicate;
    if (waitMs !== undefined) {
      result = waited(answer, tookMs, waitMs);
      if (result !== "succeeded") cli.exitWith(1);
    }
    // One event is told about in full, many are counted: which of the two, the second one tells.
    if (count === 1) {
      first = answer;
      continue;
    }
    if (options.json === true) {
      if (count === 2) out.jsonLine(first);
      out.jsonLine(answer);
    } else {
      out.progress(`Publishing … ${counted(count, "event")}`);
    }
  }
  if (tally.accepted + tally.duplicate > 1) {
    if (options.json !== true) printTally(out, tally, performance.now() - begun);
  } else if (first === undefined) {
    out.note("No events.");
  } else if (options.json === true) {
    out.json(first);
  } else {
    printAccepted(out, first, waitMs === undefined ? undefined : { ms: waitMs, result });
  }
}

function printTally(
  out: Output,
  { accepted, duplicate }: { readonly accepted: number; readonly duplicate: number },
  tookMs: number,
): void {
  const perSecond = Math.round((accepted + duplicate) / (tookMs / 1000)).toLocaleString("en-US");
  const facts = [
    `${counted(accepted, "event")} accepted`,
    ...(duplicate === 0 ? [] : [counted(duplicate, "duplicate")]),
    formatDuration(tookMs),
    `${perSecond}/s`,
  ];
  out.print(`${out.paint("green", "✓")} ${facts.join(out.paint("dim", " · "))}`);
}
