import { hash } from "node:crypto";
import type { NexusEvent } from "./event.ts";
import type { Invocation, InvocationStatus } from "./invocation.ts";

/** Which runs of a function are kept as recordings. */
export type RecordPolicy =
  | { readonly kind: "full" }
  /** Those that did not succeed. */
  | { readonly kind: "failures" }
  /** Those of so many of a hundred events: of one event all attempts, or none. */
  | { readonly kind: "sample"; readonly percent: number }
  | { readonly kind: "off" };

const SAMPLE = /^sample\((\d{1,3}(?:\.\d{1,6})?)%\)$/;

/** For a JSON schema: what `parseRecordPolicy` takes. */
export const RECORD_POLICY_PATTERN = `^(?:full|failures|off|${SAMPLE.source.slice(1, -1)})$`;

/** `full`, `failures`, `sample(10%)` or `off`; undefined for anything else. */
export function parseRecordPolicy(text: string): RecordPolicy | undefined {
  if (text === "full" || text === "failures" || text === "off") return { kind: text };
  const percent = Number(SAMPLE.exec(text)?.[1] ?? NaN);
  return percent > 0 && percent <= 100 ? { kind: "sample", percent } : undefined;
}

export function recordPolicyText(policy: RecordPolicy): string {
  return policy.kind === "sample" ? `sample(${policy.percent}%)` : policy.kind;
}

/** Whether a run on this event is recorded at all, as far as that is known before it. */
export function isRecorded(
  policy: RecordPolicy | undefined,
  event: Pick<NexusEvent, "id" | "source">,
): boolean {
  if (policy === undefined) return true;
  switch (policy.kind) {
    case "full":
    case "failures":
      return true;
    case "sample":
      return inSample(policy.percent, event);
    case "off":
      return false;
  }
}

/** Whether the recording of a run that ended so is kept. */
export function isKept(policy: RecordPolicy | undefined, status: InvocationStatus): boolean {
  return policy?.kind !== "failures" || status !== "succeeded";
}

/** Why this policy kept no recording of a run, in words; undefined: it would have kept one. */
export function whyNotKept(
  policy: RecordPolicy | undefined,
  { event_id: id, event_source: source, status }: Invocation,
): string | undefined {
  if (policy === undefined) return undefined;
  const says = `its function says "record: ${recordPolicyText(policy)}"`;
  if (!isRecorded(policy, { id, source })) {
    return policy.kind === "sample" ? `${says}, and its event is not in the sample` : says;
  }
  return isKept(policy, status) ? undefined : `${says}, and it succeeded`;
}

// By a hash, so that every attempt and every node decide alike.
function inSample(percent: number, { id, source }: Pick<NexusEvent, "id" | "source">): boolean {
  const drawn = Number.parseInt(hash("sha256", `${source}\0${id}`, "hex").slice(0, 12), 16);
  return drawn / 2 ** 48 < percent / 100;
}
