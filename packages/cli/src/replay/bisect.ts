import { NexusProblem } from "@nexus-functions/client/problem";
import type { Invocation, Rerun, VersionList } from "@nexus-functions/client/api.gen";
import type { NexusClient } from "@nexus-functions/client/client";
import { CliError, type Cli } from "../cli.ts";
import { connect } from "../connect.ts";
import type { ReadingOptions } from "../reading.ts";
import { shortVersion } from "../units.ts";

export interface BisectOptions extends ReadingOptions {
  readonly good: string;
  readonly bad: string;
}

type Version = VersionList["versions"][number];

/** Finds the first version that does not do what the good one does. */
export async function bisect(cli: Cli, id: string, options: BisectOptions): Promise<void> {
  const { out } = cli;
  const client = connect(cli, options);
  const run = await runOf(client, id);
  const between = await versionsBetween(client, run.function, options);
  const told: { readonly version: string; readonly verdict: "good" | "bad" }[] = [];
  const does = async ({ version }: Version): Promise<string> => {
    out.progress(`Replaying on ${shortVersion(version)} …`);
    return outcomeOf(await client.replayInvocation(run.id, { against: version }));
  };
  const right = await does(between[0]!);
  const isGood = async (version: Version): Promise<boolean> => {
    const good = (await does(version)) === right;
    told.push({ version: version.version, verdict: good ? "good" : "bad" });
    if (options.json !== true) out.print(`${good ? "good" : "bad "}  ${version.version}`);
    return good;
  };
  let [good, bad] = [0, between.length - 1];
  if (await isGood(between[bad]!)) {
    throw new CliError(`Cannot bisect "${run.id}": both versions do the same`);
  }
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (await isGood(between[middle]!)) good = middle;
    else bad = middle;
  }
  out.endProgress();
  const [first, before] = [between[bad]!, between[good]!];
  if (options.json === true) {
    return out.json({ invocation: run.id, first_bad: first, last_good: before, tried: told });
  }
  out.print();
  out.print(`${out.paint("red", "●")} ${first.version} is the first that does otherwise.`);
  out.print(`  first served ${first.kept_at}, after ${shortVersion(before.version)}`);
  out.print(`  nexus replay ${run.id} --against-version ${shortVersion(first.version)}`);
}

/** An invocation's record; of an event's runs the last that is no replay. */
async function runOf(client: NexusClient, id: string): Promise<Invocation> {
  try {
    return await client.getInvocation(id);
  } catch (error) {
    if (!(error instanceof NexusProblem) || error.code !== "INVOCATION_NOT_FOUND") throw error;
  }
  const invocations = await client.listEventInvocations(id);
  const runs = invocations.filter(({ trigger }) => trigger !== "replay");
  const names = new Set(runs.map((run) => run.function));
  if (names.size === 1) return runs.at(-1)!;
  throw new CliError(
    `Cannot bisect event "${id}": ${names.size === 0 ? "no function" : "more than one function"} ran on it`,
    { hint: "Give the id of an invocation: `nexus invocations` lists them", exitCode: 2 },
  );
}

/** From the good one to the bad one, in the order in which they were served first. */
async function versionsBetween(
  client: NexusClient,
  name: string,
  { good, bad }: BisectOptions,
): Promise<readonly Version[]> {
  const versions = await client.listVersions(name);
  const placeOf = (prefix: string): number => {
    const found = versions.filter(({ version }) => version.startsWith(prefix));
    if (found.length === 1) return versions.indexOf(found[0]!);
    throw new CliError(
      `Cannot bisect "${name}": ${found.length} versions that were served begin with "${prefix}"`,
      { exitCode: 2 },
    );
  };
  const [from, to] = [placeOf(good), placeOf(bad)];
  if (from < to) return versions.slice(from, to + 1);
  throw new CliError(`Cannot bisect "${name}": the good version must be older than the bad one`, {
    exitCode: 2,
  });
}

/** What counts: how it ended, what it wrote and what it did. */
function outcomeOf({ replayed, hashes, differs }: Rerun): string {
  const { status, exit_code: code } = replayed;
  // Of host calls it is told only whether they are the recorded ones.
  return JSON.stringify([status, code, hashes.replayed, differs.includes("effects")]);
}
