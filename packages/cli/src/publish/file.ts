import type { Accepted } from "@nexus-functions/client/api.gen";
import type { NexusClient } from "@nexus-functions/client/client";
import { NexusProblem } from "@nexus-functions/client/problem";
import { CliError } from "../cli.ts";
import { hintFor } from "../hints.ts";
import { completed } from "./made.ts";
import type { WrittenEvent } from "./source.ts";

const BATCH_EVENTS = 100;
// Well under the largest body a server takes by default, 1 MiB.
const BATCH_BYTES = 256 * 1024;

export interface Published {
  readonly accepted: Accepted;
  /** Of the call that carried it. */
  readonly tookMs: number;
}

/** Publishes one event after the other, many in a call, and yields each answer in order. */
export async function* publishAll(
  api: NexusClient,
  events: AsyncIterable<WrittenEvent>,
  wait: string | undefined,
): AsyncGenerator<Published> {
  let before = 0;
  for await (const batch of batches(events)) {
    const begun = performance.now();
    const answers = await send(api, batch, { wait, before });
    const tookMs = performance.now() - begun;
    before += answers.length;
    for (const accepted of answers) yield { accepted, tookMs };
  }
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
  api: NexusClient,
  batch: readonly WrittenEvent[],
  { wait, before }: { readonly wait: string | undefined; readonly before: number },
): Promise<readonly Accepted[]> {
  const events = batch.map(({ value }) => completed(value));
  try {
    return events.length === 1
      ? [await api.publish(events[0]!, { wait })]
      : await api.publishBatch(events, { wait });
  } catch (error) {
    if (!(error instanceof NexusProblem) || batch[0]!.place === "") throw error;
    throw refused(error, { first: batch[0]!.place, last: batch.at(-1)!.place, before });
  }
}

// A batch is taken as a whole or not at all: whoever mends the file wants to know where to go on.
function refused(
  problem: NexusProblem,
  at: { readonly first: string; readonly last: string; readonly before: number },
): CliError {
  const where = at.first === at.last ? at.first : `${at.first} to ${at.last}`;
  const kept = at.before === 0 ? "nothing was published" : `the ${at.before} before were published`;
  const hint = problem.code === "UNREACHABLE" ? undefined : hintFor(problem.code);
  return new CliError(`${problem.message} (in ${where}; ${kept})`, {
    ...(hint === undefined ? {} : { hint }),
    cause: problem,
  });
}
