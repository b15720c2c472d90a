import { Command } from "commander";
import type { CloudEvent } from "@nexus-functions/client/api.gen";
import { connect } from "../connect.ts";
import { CliError, type Cli } from "../cli.ts";
import { follow } from "../follow.ts";
import {
  collect,
  FOLLOW_LIMIT,
  noteMore,
  pageSize,
  withPageOptions,
  withReadingOptions,
  type PageOptions,
  type ReadingOptions,
} from "../reading.ts";
import { prettyText, printBlock, printFields } from "../print.ts";
import { eventLine, invocationTable } from "../records.ts";
import { visible } from "../text.ts";
import { formatAge } from "../units.ts";
import * as value from "../values.ts";

interface Options extends ReadingOptions, PageOptions {
  readonly type?: string;
  readonly source?: string;
  readonly since?: string;
  readonly until?: string;
  readonly follow?: boolean;
}

const EXAMPLES = `
Examples:
  nexus events --type 'com.example.*' --since 10m
  nexus events -f
  nexus events get 0192f7a5-…`;

export function eventsCommand(cli: Cli): Command {
  const command = new Command("events")
    .summary("list events, newest first, or follow them")
    .description(
      "Lists what the event log holds, newest first; shows one event; or follows them as they come.",
    )
    .argument(
      "[list|get]",
      "list is what it does anyway; get shows one event, as its id alone does",
    )
    .argument("[id]", "the event's id")
    .option("-t, --type <pattern>", "of this type; * stands for anything")
    .option("--source <source>", "from this source")
    .option("--since <time>", "accepted since; a time, or an age such as 10m", value.moment)
    .option("--until <time>", "accepted before", value.moment);
  withPageOptions(command, "events").option("-f, --follow", "go on with each event as it comes");
  return withReadingOptions(command)
    .addHelpText("after", EXAMPLES)
    .action((word: string | undefined, id: string | undefined, options: Options) => {
      if (word === "get" && id === undefined) {
        throw new CliError("Cannot show an event: no id given (nexus events get <id>)", {
          exitCode: 2,
        });
      }
      const wanted = word === "get" || word === "list" ? id : word;
      if (wanted !== undefined) return show(cli, wanted, options);
      return options.follow === true ? followEvents(cli, options) : list(cli, options);
    });
}

async function list(cli: Cli, options: Options): Promise<void> {
  const { out } = cli;
  const api = connect(cli, options);
  const { type, source, since, until } = options;
  const query = { type, source, since, until, limit: pageSize(options) };
  const found = await collect(options, api.events(query));
  if (options.json === true) return out.json({ events: found.items });
  if (found.items.length === 0) return out.note("No events.");
  const now = Date.now();
  out.table<CloudEvent>(
    [
      { title: "ID", text: ({ id }) => visible(id) },
      {
        title: "TYPE",
        text: ({ type }) => visible(type),
        shrink: "middle",
        least: 18,
        paint: (text) => out.paint("cyan", text),
      },
      { title: "SOURCE", text: ({ source }) => visible(source), shrink: "end", dropOrder: 1 },
      {
        title: "TIME",
        text: ({ time }) => (time === undefined ? "" : formatAge(time, now)),
        paint: (text) => out.paint("dim", text),
      },
    ],
    found.items,
  );
  if (found.more) noteMore(out);
}

async function show(cli: Cli, id: string, options: Options): Promise<void> {
  const { out } = cli;
  const api = connect(cli, options);
  const [event, invocations] = await Promise.all([api.getEvent(id), api.listEventInvocations(id)]);
  if (options.json === true) return out.json(event);
  const { data, data_base64: base64, ...attributes } = event;
  const { type, ...others } = attributes;
  out.print(out.paint("bold", visible(type)));
  printFields(
    out,
    Object.entries(others).map(([name, attribute]) => [name, visible(String(attribute))]),
  );
  if (data !== undefined) printBlock(out, "Data", prettyText(JSON.stringify(data)));
  if (typeof base64 === "string") printBlock(out, "Data (base64)", visible(base64));
  out.print();
  out.print(out.paint("bold", "Invocations"));
  if (invocations.length === 0) out.print("  none: no function takes events of this type");
  else invocationTable(out, invocations, { nowMs: Date.now(), ofOneEvent: true });
}

async function followEvents(cli: Cli, options: Options): Promise<void> {
  const { out } = cli;
  const api = connect(cli, options);
  const { type, source, since, limit = FOLLOW_LIMIT } = options;
  await follow<CloudEvent>(cli, api, {
    query: { type },
    before: async () => {
      const query = { type, source, since, limit: pageSize({ limit }) };
      return (await collect({ limit }, api.events(query))).items.toReversed();
    },
    pick: (item) =>
      item.kind === "event" && (source === undefined || item.event.source === source)
        ? item.event
        : undefined,
    idOf: ({ source, id }) => `${source} ${id}`,
    show: (event) =>
      options.json === true ? out.jsonLine(event) : out.print(eventLine(event, out.paint)),
  });
}
