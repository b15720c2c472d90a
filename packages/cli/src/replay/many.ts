import { writeFile } from "node:fs/promises";
import type { Replay, ReplayWithReport } from "@nexus-functions/client/api.gen";
import type { NexusClient } from "@nexus-functions/client/client";
import { CliError, fileError, type Cli } from "../cli.ts";
import { connect } from "../connect.ts";
import { failOnExitCode } from "../report/fail-on.ts";
import { reportHtml } from "../report/html.ts";
import { progressBar } from "../report/progress.ts";
import { reportText } from "../report/text.ts";
import type { Heading } from "../report/words.ts";
import { mayRun, showPreview } from "./live.ts";
import { candidateIn, type ReplayOptions } from "./options.ts";

type Target = Replay["request"]["against"];

/** How long Ctrl-C waits for the server to hear of it. */
const CANCEL_MS = 5_000;

/** Makes past runs again on a candidate, shows how far that is, and reports. */
export async function replayMany(cli: Cli, options: ReplayOptions): Promise<void> {
  const { function: name } = options;
  if (name === undefined) {
    throw new CliError("Cannot replay: name an invocation, an event, or a --function", {
      exitCode: 2,
    });
  }
  const client = connect(cli, options);
  const against = await targetIn(cli, client, options);
  if (against === undefined) {
    throw new CliError(`Cannot replay "${name}": it needs --against, --against-version or --live`, {
      hint: "Give the module you have built, or a version that was served",
      exitCode: 2,
    });
  }
  const request = requestOf(name, against, options);
  if (options.dryRun === true)
    return showPreview(cli, await client.previewReplay(request), options);
  if (!(await mayRun(cli, client, request, options))) return cli.out.note("Nothing was run.");
  const { id } = await client.createReplay(request);
  const replay = await followToEnd(cli, client, id);
  await tell(cli, replay, options);
}

async function targetIn(
  cli: Cli,
  client: NexusClient,
  options: ReplayOptions,
): Promise<Target | undefined> {
  const against = await candidateIn(cli, client, options);
  if (options.live !== true) return against;
  if (against === undefined) return { live: true };
  throw new CliError("Cannot replay both live and on a candidate", { exitCode: 2 });
}

function requestOf(name: string, against: Target, options: ReplayOptions) {
  const { since, until, type, status, eventId, sample, limit, concurrency, rate } = options;
  return {
    function: name,
    against,
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(type === undefined ? {} : { type }),
    ...(status === undefined || status === null ? {} : { status }),
    ...(eventId === undefined ? {} : { event_ids: eventId }),
    ...(sample === undefined ? {} : { sample }),
    ...(limit === undefined ? {} : { limit }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(rate === undefined ? {} : { rate }),
  };
}

async function followToEnd(cli: Cli, client: NexusClient, id: string): Promise<ReplayWithReport> {
  const { out, signal } = cli;
  const bar = progressBar(out, { doing: "Replaying", unit: "run" });
  try {
    for await (const { done, chosen } of client.followReplay(id, signal)) {
      bar.update(done, chosen ?? undefined);
    }
    signal.throwIfAborted();
  } catch (error) {
    if (signal.aborted) await cancel(cli, client, id);
    throw error;
  } finally {
    bar.end();
  }
  return client.getReplay(id);
}

async function cancel({ out }: Cli, client: NexusClient, id: string): Promise<void> {
  try {
    await client.cancelReplay(id, AbortSignal.timeout(CANCEL_MS));
    out.note(`Replay ${id} is cancelled.`);
  } catch {
    out.note(`Replay ${id} goes on: the server could not be told.`);
  }
}

async function tell(cli: Cli, replay: ReplayWithReport, options: ReplayOptions): Promise<void> {
  const { out } = cli;
  const { report, state, error } = replay;
  if (options.report !== undefined) {
    await writeReport(options.report, reportHtml(report, headingOf(replay)));
  }
  if (options.json === true) out.json(replay);
  else
    for (const line of reportText(report, { paint: out.paint, width: out.width })) out.print(line);
  if (state === "failed") {
    throw new CliError(error?.message ?? "Cannot replay: it failed");
  }
  if (state === "cancelled") throw new CliError(`Cannot end replay ${replay.id}: it was cancelled`);
  if (options.failOn !== undefined) cli.exitWith(failOnExitCode(report, options.failOn));
}

async function writeReport(path: string, html: string): Promise<void> {
  try {
    await writeFile(path, html);
  } catch (error) {
    throw fileError("write report", path, error);
  }
}

function headingOf({ id, request, started_at, ended_at }: Replay): Heading {
  const { against, since, until, type, status, sample } = request;
  return {
    title: request.function,
    facts: [
      ["on", wordsOf(against)],
      ["runs", `${since === null ? "" : `since ${since} `}until ${until}`],
      ...(type === null ? [] : ([["event type", type]] as const)),
      ...(status === null ? [] : ([["recorded status", status]] as const)),
      ...(sample === 1 ? [] : ([["sample", `${sample * 100} %`]] as const)),
      ["replay", id],
      ["made", `${started_at ?? ""} to ${ended_at ?? ""}`],
    ],
  };
}

function wordsOf(against: Target): string {
  if ("live" in against) return "the version in service, live";
  return "version" in against ? `version ${against.version}` : `module ${against.module_sha256}`;
}
