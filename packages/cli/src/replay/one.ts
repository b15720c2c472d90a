import { NexusProblem } from "@nexus-functions/client/problem";
import type { Rerun } from "@nexus-functions/client/api.gen";
import type { NexusClient, RerunQuery } from "@nexus-functions/client/client";
import { exampleDiff } from "@nexus-functions/server/replay/example-diff";
import { factsOfRecord } from "@nexus-functions/server/replay/facts-of-record";
import type { Cli } from "../cli.ts";
import { connect } from "../connect.ts";
import { invocationLines } from "../records.ts";
import { diffText } from "../report/diff-lines.ts";
import { indent, visible } from "../text.ts";
import { type Against, candidateIn, type ReplayOptions, whatIfOf } from "./options.ts";

/** Runs an invocation again from its recording, on its own version or a candidate; or an event, live. */
export async function replayOne(cli: Cli, id: string, options: ReplayOptions): Promise<void> {
  const { out } = cli;
  out.progress("Replaying …");
  const client = connect(cli, options);
  const against = await candidateIn(cli, client, options);
  const whatIf = whatIfOf(options);
  if (against !== undefined || whatIf !== undefined) {
    return showRerun(cli, await client.replayInvocation(id, queryOf(against), whatIf), options);
  }
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

function queryOf(against: Against | undefined): RerunQuery {
  if (against === undefined) return {};
  return "version" in against ? { against: against.version } : { module: against.module_sha256 };
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

/** What came of it; the exit code is 1 where that is not what was recorded. */
export function showRerun(cli: Cli, rerun: Rerun, { json }: Pick<ReplayOptions, "json">): void {
  const { out } = cli;
  const { recorded, replayed, identical, differs, hashes, not_hermetic: reasons } = rerun;
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
  if (!identical) {
    const diff = exampleDiff(factsOfRecord(recorded, []), factsOfRecord(replayed, []));
    for (const line of diffText(diff, paint)) out.print(indent(line, "    "));
  }
  if (replayed.error !== null && replayed.error.code === "REPLAY_DIVERGED")
    out.print(`  ${visible(replayed.error.message)}`);
  if (reasons.length > 0) out.note(`It need not go the same way again: ${reasons.join(", ")}.`);
}
