import type { Accepted } from "@nexus-functions/client/api.gen";
import type { Output } from "../output.ts";
import { invocationLines } from "../records.ts";
import { visible } from "../text.ts";
import { formatDuration } from "../units.ts";

/** What came of a publication whose functions were waited for. */
export type Waited = "succeeded" | "failed" | "unfinished";

/**
 * `tookMs` is how long the call took: where that is less than the wait, everything has ended. Attempts
 * are listed oldest first, so the last of each function says how its delivery ended.
 */
export function waited({ invocations = [] }: Accepted, tookMs: number, waitMs: number): Waited {
  if (tookMs >= waitMs) return "unfinished";
  const last = new Map(invocations.map((record) => [record.function, record.status]));
  return [...last.values()].every((status) => status === "succeeded") ? "succeeded" : "failed";
}

/** One event and, where it was waited for, what its functions did. */
export function printAccepted(
  out: Output,
  accepted: Accepted,
  wait?: { readonly ms: number; readonly result: Waited },
): void {
  const { paint } = out;
  const { status, event_id: id, position, invocations = [] } = accepted;
  const mark = status === "accepted" ? paint("green", "✓") : paint("yellow", "!");
  out.print(`${mark} ${status}  ${visible(id)}  ${paint("dim", `position ${position}`)}`);
  if (status === "duplicate") {
    out.note(remark(out, "The log holds an event with this source and id already: nothing ran."));
  }
  if (wait === undefined) return;
  const nameWidth = Math.max(0, ...invocations.map((record) => record.function.length));
  for (const record of invocations) {
    for (const line of invocationLines(record, paint, { width: out.width, nameWidth })) {
      out.print(line);
    }
  }
  if (wait.result === "unfinished") {
    const time = formatDuration(wait.ms);
    out.note(remark(out, `Not finished within ${time}: see \`nexus events get ${id}\`.`));
  } else if (invocations.length === 0 && status === "accepted") {
    out.note(remark(out, "No function takes events of this type."));
  }
}

function remark(out: Output, text: string): string {
  return out.notePaint("dim", `  ${visible(text)}`);
}
