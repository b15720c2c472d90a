import type { NewReplay, ReplayPreview } from "@nexus-functions/client/api.gen";
import type { NexusClient } from "@nexus-functions/client/client";
import { confirm } from "../ask.ts";
import type { Cli } from "../cli.ts";
import { counted } from "../text.ts";
import type { ReplayOptions } from "./options.ts";

/** What a replay would choose, in words. */
export function showPreview(cli: Cli, preview: ReplayPreview, options: ReplayOptions): void {
  const { out } = cli;
  if (options.json === true) return out.json(preview);
  for (const line of previewLines(preview, options.live === true)) out.print(line);
}

/** Asks whoever sits at a terminal before anything has real effects. */
export async function mayRun(
  cli: Cli,
  client: NexusClient,
  request: NewReplay,
  { live, yes }: ReplayOptions,
): Promise<boolean> {
  const { out } = cli;
  if (live !== true || yes === true || !out.interactive) return true;
  for (const line of previewLines(await client.previewReplay(request), true)) out.note(line);
  return confirm(cli, "Run them again?");
}

function previewLines({ chosen, effects }: ReplayPreview, live: boolean): readonly string[] {
  const runs = counted(chosen, "run");
  const done = effects.map(({ kind, count }) => `${count.toLocaleString("en")} × ${kind}`);
  const did = done.length === 0 ? "did nothing to the world" : `did ${done.join(", ")}`;
  const first = `${runs} would be made again. When they were recorded, they ${did}.`;
  if (!live) return [first, "On a candidate all of it is suppressed."];
  const effect =
    "Live, they have real effects once more: on the version in service, marked (NEXUS_REPLAY=true), and each with the NEXUS_IDEMPOTENCY_KEY that it had. Who honours that key does nothing twice; what else they reach does.";
  return [first, effect];
}
