import { decodeCall, describeCall } from "@nexus-functions/server/runtime/taped-call";
import { secretName } from "@nexus-functions/server/runtime/taped-secret";
import { tapeEntries, type TapeEntry } from "@nexus-functions/server/runtime/tape-entries";

/** One thing that a run was given. */
export interface GivenThing {
  /** As tapes name it: `realtime`, `monotonic`, `cpu`, `random`, `seed`, `call`, `secret`. */
  readonly kind: string;
  /** In words. */
  readonly name: string;
  readonly value: string;
}

/** All that a tape has, in order. */
export function givenBy(tape: Uint8Array): readonly GivenThing[] {
  const things: GivenThing[] = [];
  let at = 0;
  for (const entry of tapeEntries(tape)) {
    things.push({ kind: entry.kind, ...inWords(entry) });
    at = entry.end;
  }
  if (at < tape.length) {
    const value = `${tape.length - at} bytes that are no entry this release knows`;
    things.push({ kind: "unknown", name: "unknown", value });
  }
  return things;
}

function inWords(entry: TapeEntry): Omit<GivenThing, "kind"> {
  switch (entry.kind) {
    case "realtime":
      return { name: "real time", value: moment(entry.ns) };
    case "monotonic":
      return { name: "monotonic clock", value: seconds(entry.ns) };
    case "cpu":
      return { name: "processor time", value: seconds(entry.ns) };
    case "random":
      return { name: `${entry.count} random bytes`, value: hex(entry.bytes) };
    case "seed":
      return { name: `${entry.count} random bytes`, value: `from the key ${hex(entry.bytes)}` };
    case "call":
      return callInWords(entry.bytes);
    case "secret":
      return { name: "secret", value: secretInWords(entry.bytes) };
  }
}

function callInWords(bytes: Uint8Array): Omit<GivenThing, "kind"> {
  const call = decodeCall(bytes);
  if (call === undefined) return { name: "host call", value: UNKNOWN };
  const { errno, payload } = call;
  const answer =
    errno === 0 ? `${payload.length} bytes` : `errno ${errno}: ${Buffer.from(payload).toString()}`;
  return { name: "host call", value: `${describeCall(call)} → ${answer}` };
}

/** The value is on no tape. */
function secretInWords(bytes: Uint8Array): string {
  const name = secretName(bytes);
  if (name === undefined) return UNKNOWN;
  return `${name}, ${bytes[0] === 1 ? "its value is not kept" : "which was not there"}`;
}

const UNKNOWN = "one that this release does not know";

/** RFC 3339, to the nanosecond. */
function moment(ns: bigint): string {
  const milliseconds = Number(ns / 1_000_000n);
  const [whole] = new Date(milliseconds).toISOString().split(".");
  return `${whole}.${String(ns % 1_000_000_000n).padStart(9, "0")}Z`;
}

function seconds(ns: bigint): string {
  return `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, "0")} s`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
