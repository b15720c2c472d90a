import { NexusError } from "../core/errors.ts";
import type { StoredEvent } from "../core/event.ts";
import type { Invocation } from "../core/invocation.ts";
import { whyNotKept } from "../core/record-policy.ts";
import type { ArchivedVersion, VersionArchive } from "../functions/functions.ts";
import type { EventLog } from "../log/log.ts";

/** A recorded run as the log has it. */
export interface FoundRun {
  readonly recorded: Invocation;
  /** core/recording.ts. */
  readonly recording: Uint8Array;
  readonly event: StoredEvent;
}

/** INVOCATION_NOT_FOUND, RECORDING_NOT_FOUND, EVENT_NOT_FOUND, and what the log rejects with. */
export async function findRecorded(
  { log, versions }: { readonly log: EventLog; readonly versions: VersionArchive },
  id: string,
): Promise<FoundRun> {
  const short = JSON.stringify(id.slice(0, 200));
  const recorded = await log.invocations.get(id);
  if (recorded === undefined) {
    throw new NexusError("INVOCATION_NOT_FOUND", `Cannot find invocation ${short}: there is none`);
  }
  const recording = await log.invocations.recording(id);
  if (recording === undefined) {
    const why = whyNotKept(await policyOf(versions, recorded.version), recorded);
    throw new NexusError(
      "RECORDING_NOT_FOUND",
      `Cannot replay invocation ${short}: no recording of it was kept${why === undefined ? "" : `: ${why}`}`,
    );
  }
  const event = await log.find(recorded.event_id, recorded.event_source);
  if (event === undefined) {
    throw new NexusError(
      "EVENT_NOT_FOUND",
      `Cannot replay invocation ${short}: its event "${recorded.event_id}" is no longer kept`,
    );
  }
  return { recorded, recording, event };
}

async function policyOf(versions: VersionArchive, version: string) {
  try {
    return (await versions.get(version))?.version.record;
  } catch (error) {
    // What the policy was is known no more; that there is no recording is.
    if (error instanceof NexusError) return undefined;
    throw error;
  }
}

/** VERSION_NOT_FOUND: it was never served here, or a part of it is missing. */
export async function findVersion(
  versions: VersionArchive,
  version: string,
): Promise<ArchivedVersion> {
  const archived = await versions.get(version);
  return archived ?? neverServed(version);
}

export function neverServed(version: string): never {
  throw new NexusError(
    "VERSION_NOT_FOUND",
    `Cannot run version "${version}" again: it was never served here`,
  );
}
