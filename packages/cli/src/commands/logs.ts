import { Command } from "commander";
import type { Invocation } from "@nexus-functions/client/api.gen";
import { connect } from "../connect.ts";
import type { Cli } from "../cli.ts";
import { follow } from "../follow.ts";
import {
  collect,
  FOLLOW_LIMIT,
  pageSize,
  withReadingOptions,
  type ReadingOptions,
} from "../reading.ts";
import { isPlainFailure, logText, reasonOf } from "../records.ts";
import { visible } from "../text.ts";
import { formatClock } from "../units.ts";
import * as value from "../values.ts";

interface Options extends ReadingOptions {
  readonly follow?: boolean;
  readonly since?: string;
  readonly status?: Invocation["status"];
  readonly limit?: number;
}

export function logsCommand(cli: Cli): Command {
  const command = new Command("logs")
    .summary("what functions wrote to their log")
    .description(
      "Prints the log lines (stderr) of the newest runs, oldest first; or follows them as runs end.",
    )
    .argument("[function]", "of this function only")
    .option("-f, --follow", "go on with the lines of each run as it ends")
    .option("--since <time>", "of runs started since; a time, or an age such as 10m", value.moment)
    .option("-s, --status <status>", "of runs that ended so: succeeded, failed, …", value.status)
    .option(
      "-n, --limit <count>",
      "of the newest runs (100; 10 with --follow)",
      value.count(1, 1_000_000),
    );
  return withReadingOptions(command).action((name: string | undefined, options: Options) =>
    logs(cli, name, options),
  );
}

const DEFAULT_RUNS = 100;

async function logs(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  const { out } = cli;
  const api = connect(cli, options);
  const { since, status } = options;
  const limit = options.limit ?? (options.follow === true ? FOLLOW_LIMIT : DEFAULT_RUNS);
  const before = async (): Promise<readonly Invocation[]> => {
    const query = { function: name, status, since, limit: pageSize({ limit }) };
    const { items } = await collect({ limit }, api.invocations(query));
    return items.toReversed();
  };
  const show = (record: Invocation): void => printLogs(cli, record, options.json === true);
  if (options.follow !== true) {
    const records = await before();
    for (const record of records) show(record);
    if (!records.some((record) => record.logs.length > 0)) out.note("No log lines.");
    return;
  }
  await follow<Invocation>(cli, api, {
    query: { function: name },
    before,
    pick: (item) =>
      item.kind === "invocation" && (status === undefined || item.invocation.status === status)
        ? item.invocation
        : undefined,
    idOf: ({ id }) => id,
    show,
  });
}

function printLogs({ out }: Cli, record: Invocation, json: boolean): void {
  const { paint } = out;
  for (const line of record.logs) {
    const { time, text, level } = line;
    if (json) {
      out.jsonLine({
        time,
        function: record.function,
        invocation_id: record.id,
        trace_id: record.trace_id,
        ...(level === undefined ? {} : { level }),
        text,
      });
    } else {
      out.print(
        `${paint("dim", formatClock(time))} ${paint("cyan", record.function)} ${logText(line, paint)}`,
      );
    }
  }
  if (record.error !== null && !json) {
    // Rounding may put the end a millisecond before what was logged last.
    const lastLine = Date.parse(record.logs.at(-1)?.time ?? record.started_at);
    const endedAt = new Date(
      Math.max(lastLine, Date.parse(record.started_at) + record.duration_ms),
    );
    const why = isPlainFailure(record) ? `exit code ${record.exit_code}` : reasonOf(record.error);
    const what = `✗ ${record.status}, attempt ${record.attempt}: ${visible(why)}`;
    const time = paint("dim", formatClock(endedAt));
    out.print(`${time} ${paint("cyan", record.function)} ${paint("red", what)}`);
  }
}
