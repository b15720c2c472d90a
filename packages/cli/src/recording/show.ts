import { eventValue } from "@nexus-functions/server/core/event";
import { decodeRecording } from "@nexus-functions/server/core/recording";
import type { RecordingFile } from "@nexus-functions/server/core/recording-file";
import type { Cli } from "../cli.ts";
import { prettyText, printBlock, printFields } from "../print.ts";
import { printInvocation } from "../records.ts";
import { counted, visible } from "../text.ts";
import { formatBytes } from "../units.ts";
import { unusable } from "./file.ts";
import { partsNamedBy } from "./parts.ts";
import { givenBy } from "./tape-lines.ts";

/** All that is in a file but the function's settings, in words. */
export async function showRecording({ out }: Cli, file: RecordingFile): Promise<void> {
  const { paint } = out;
  const recording = await unusable(() => decodeRecording(file.recording));
  const { notHermetic, hashes, tape } = recording;
  printInvocation(out, file.invocation, Date.now());
  const { module } = file;
  const named = partsNamedBy(file);
  const inIt = module === undefined ? "not in it" : formatBytes(module.length);
  out.print();
  out.print(paint("bold", "Recording"));
  printFields(out, [
    ["hermetic", notHermetic.length === 0 ? "yes" : `no: ${notHermetic.join(", ")}`],
    ["redacted", file.redacted.join(", ")],
    ["module", `${named.module}, ${inIt}`],
    ["mounted", named.mounted.map(({ guest }) => guest).join(", ")],
    ["span", recording.spanId],
    ["output", hashes.output],
    ["logs", hashes.logs],
    ["effects", hashes.effects],
  ]);
  const given = givenBy(tape);
  const width = Math.max(...given.map(({ name }) => name.length));
  const lines = given.map(({ name, value }, index) => {
    const number = String(index + 1).padStart(String(given.length).length);
    return `${paint("dim", number)}  ${name.padEnd(width)}  ${visible(value)}`;
  });
  const size = `${counted(given.length, "entry", "entries")}, ${formatBytes(tape.length)}`;
  printBlock(out, `What it was given (${size})`, lines.join("\n") || "nothing but its event");
  printBlock(
    out,
    "Event",
    visible(prettyText(Buffer.from(file.event.event.json).toString()), true),
  );
}

export async function recordingJson(file: RecordingFile): Promise<unknown> {
  const { spanId, sampled, notHermetic, hashes, tape } = await unusable(() =>
    decodeRecording(file.recording),
  );
  return {
    invocation: file.invocation,
    event: eventValue(file.event.event),
    position: file.event.position,
    hermetic: notHermetic.length === 0,
    not_hermetic: notHermetic,
    redacted: file.redacted,
    module_sha256: partsNamedBy(file).module,
    with_module: file.module !== undefined,
    mounted: partsNamedBy(file).mounted,
    span_id: spanId,
    sampled,
    hashes,
    tape: givenBy(tape),
  };
}
