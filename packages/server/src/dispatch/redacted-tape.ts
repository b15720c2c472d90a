import { isFetchPath, redactAnswer } from "../core/redaction.ts";
import type { HostAnswer } from "../runtime/host-calls.ts";
import { withAnswers } from "../runtime/tape-edits.ts";
import { callsOn } from "../runtime/taped-call.ts";

/** The tape with what these paths name replaced in answers of `fetch`; the same tape where that is nothing. */
export function redactedTape(tape: Uint8Array, paths: readonly string[]): Uint8Array {
  if (tape.length === 0 || !paths.some(isFetchPath)) return tape;
  const answers = new Map<number, HostAnswer>();
  for (const [index, { name, errno, payload }] of callsOn(tape).entries()) {
    if (name !== "fetch" || errno !== 0) continue;
    const changed = redacted(payload, paths);
    if (changed !== undefined) answers.set(index + 1, { errno, payload: changed });
  }
  return answers.size === 0 ? tape : withAnswers(tape, answers);
}

/** Of an answer as the guest has it (docs/host-api.md). */
function redacted(payload: Uint8Array, paths: readonly string[]): Uint8Array | undefined {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const end = bytes.indexOf("\n\n");
  if (end === -1) return undefined;
  const [status, ...lines] = bytes.toString("utf8", 0, end).split("\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(": ");
    return [line.slice(0, colon), line.slice(colon + 2)] as const;
  });
  const body = bytes.subarray(end + 2);
  const text = body.toString();
  // What is no text cannot be JSON, and is to stay as it is.
  const readable = Buffer.from(text).equals(body);
  const changed = redactAnswer({ headers, body: readable ? text : "" }, paths);
  if (changed === undefined) return undefined;
  const head = [status, ...changed.headers.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.concat([
    Buffer.from(`${head.join("\n")}\n\n`),
    readable ? Buffer.from(changed.body) : body,
  ]);
}
