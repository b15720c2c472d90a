import { Command } from "commander";
import type { InvocationStatus } from "@nexus-functions/server/core/invocation";
import { connect } from "../connect.ts";
import type { Cli } from "../cli.ts";
import {
  collect,
  noteMore,
  pageSize,
  withPageOptions,
  withReadingOptions,
  type PageOptions,
  type ReadingOptions,
} from "../reading.ts";
import { invocationTable, printInvocation } from "../records.ts";
import * as value from "../values.ts";

interface Options extends ReadingOptions, PageOptions {
  readonly function?: string;
  readonly status?: InvocationStatus;
  readonly since?: string;
}

export function invocationsCommand(cli: Cli): Command {
  const command = new Command("invocations")
    .summary("list runs, newest first, or show one")
    .description(
      "Lists the records of what ran, newest first, or shows one with its output and log lines.",
    )
    .argument("[id]", "the invocation's id")
    .option("-f, --function <name>", "of this function")
    .option("-s, --status <status>", "that ended so: succeeded, failed, timed_out, …", value.status)
    .option("--since <time>", "started since; a time, or an age such as 10m", value.moment);
  withPageOptions(command, "runs");
  return withReadingOptions(command).action((id: string | undefined, options: Options) =>
    id === undefined ? list(cli, options) : show(cli, id, options),
  );
}

async function list(cli: Cli, options: Options): Promise<void> {
  const { out } = cli;
  const api = connect(cli, options);
  const { function: name, status, since } = options;
  const query = { function: name, status, since, limit: pageSize(options) };
  const found = await collect(options, api.invocations(query));
  if (options.json === true) return out.json({ invocations: found.items });
  if (found.items.length === 0) return out.note("No invocations.");
  invocationTable(out, found.items, { nowMs: Date.now() });
  if (found.more) noteMore(out);
}

async function show(cli: Cli, id: string, options: Options): Promise<void> {
  const record = await connect(cli, options).getInvocation(id);
  if (options.json === true) cli.out.json(record);
  else printInvocation(cli.out, record, Date.now());
}
