import { decodeRecording, encodeRecording } from "../core/recording.ts";
import type { RecordingFile } from "../core/recording-file.ts";
import { isOutputPath, redact } from "../core/redaction.ts";
import type { Functions, VersionArchive } from "../functions/functions.ts";
import type { EventLog } from "../log/log.ts";
import { findRecorded, findVersion } from "./find-recorded.ts";

export interface RecordingFileDeps {
  readonly log: EventLog;
  readonly versions: VersionArchive;
  readonly functions: Functions;
}

/**
 * A recorded invocation with all that it takes to run it anywhere, redacted as the version that ran says,
 * and as the one in service now does. Rejects as `findRecorded` and `findVersion` do, and with RECORDING_INVALID.
 */
export async function recordingFile(
  { log, versions, functions }: RecordingFileDeps,
  id: string,
  { withModule }: { readonly withModule: boolean },
): Promise<RecordingFile> {
  const { recorded, recording, event } = await findRecorded({ log, versions }, id);
  const { version, content, module, mounts } = await findVersion(versions, recorded.version);
  const now = functions.get(recorded.function);
  const paths = [...new Set([...(version.redact ?? []), ...(now?.redact ?? [])])];
  const parts = withModule ? { module, mounts } : {};
  const file = { invocation: recorded, recording, event, version: content, redacted: [], ...parts };
  return paths.length === 0 ? file : redacted(file, paths);
}

function redacted(file: RecordingFile, paths: readonly string[]): RecordingFile {
  const { invocation, event } = file;
  const readable = invocation.output_encoding === "utf-8";
  const output = readable ? invocation.output : "";
  const changed = redact({ event: event.event, output }, paths);
  if (changed.paths.length === 0) return file;
  return {
    ...file,
    invocation: readable ? { ...invocation, output: changed.output } : invocation,
    event: { ...event, event: changed.event },
    recording: changed.paths.every(isOutputPath) ? file.recording : withOtherEvent(file.recording),
    redacted: changed.paths,
  };
}

/** A recording that says that its run was given another event. */
function withOtherEvent(bytes: Uint8Array): Uint8Array {
  const recording = decodeRecording(bytes);
  const notHermetic = [...new Set([...recording.notHermetic, "redacted" as const])];
  return encodeRecording({ ...recording, notHermetic });
}
