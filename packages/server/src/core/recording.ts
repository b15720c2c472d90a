import { hash } from "node:crypto";
import { NexusError } from "./errors.ts";
import type { LogLine } from "./invocation.ts";

/**
 * Why a run may not go the same way again from its recording: `tape_full`, it was given more than is kept;
 * `stopped`, the host ended it at a moment of its own (a timeout, a cancellation, a thread that died);
 * `stack`, it came to the end of V8's own stack, which is not the same size everywhere; `memory`, the
 * machine had none left for it; `redacted`, what it was given was replaced since (core/redaction.ts).
 */
export const NOT_HERMETIC = ["tape_full", "stopped", "stack", "memory", "redacted"] as const;

export type NotHermetic = (typeof NOT_HERMETIC)[number];

/** Where a run that was made again may differ from the recorded one. `recording`: it asked for what it was not given then. */
export const ASPECTS = ["recording", "status", "exit_code", "output", "logs", "effects"] as const;

export type Aspect = (typeof ASPECTS)[number];

/** What is kept beside a run's record, so that it can be run again, bit for bit, and the two compared. */
export interface Recording {
  /** Empty: it is hermetic. */
  readonly notHermetic: readonly NotHermetic[];
  /** The run's own span, 16 hexadecimal digits, and whether its trace was sampled: both are in its environment. */
  readonly spanId: string;
  readonly sampled: boolean;
  readonly hashes: RunHashes;
  /** runtime/tape.ts. */
  readonly tape: Uint8Array;
}

/** sha256 of what a run did, 64 hexadecimal digits each. */
export interface RunHashes {
  /** The bytes of stdout, up to the limit. */
  readonly output: string;
  /** Each line of its log: its length in bytes (4, little-endian) and itself, in UTF-8; one with a level ends with a line feed and its name. When it was written is no part of it. */
  readonly logs: string;
  /** Each event it emitted, as it gave it: its length in bytes (4, little-endian) and itself. */
  readonly effects: string;
}

export interface RunEffects {
  readonly output: Uint8Array;
  readonly logs: readonly Pick<LogLine, "text" | "level">[];
  readonly emitted: readonly Uint8Array[];
}

export function hashesOf({ output, logs, emitted }: RunEffects): RunHashes {
  return {
    output: output.length === 0 ? EMPTY : hash("sha256", output),
    logs: listHash(
      logs.map(({ text, level }) => Buffer.from(level === undefined ? text : `${text}\n${level}`)),
    ),
    effects: listHash(emitted),
  };
}

function listHash(items: readonly Uint8Array[]): string {
  if (items.length === 0) return EMPTY;
  const parts = items.flatMap((item) => {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(item.length);
    return [length, item];
  });
  return hash("sha256", Buffer.concat(parts));
}

const EMPTY = hash("sha256", "");

// docs/recordings.md describes these bytes for those who read them without this code: what is changed here
// is to be changed there, with a new number in the first byte.
const FORMAT = 1;
const AT = { format: 0, notHermetic: 1, sampled: 2, spanId: 3, hashes: 11, tape: 107 } as const;
const HASH_BYTES = 32;

export function encodeRecording({ notHermetic, spanId, sampled, hashes, tape }: Recording): Buffer {
  const bytes = Buffer.allocUnsafe(AT.tape + tape.length);
  bytes[AT.format] = FORMAT;
  bytes[AT.notHermetic] = notHermetic.reduce(
    (bits, reason) => bits | (1 << NOT_HERMETIC.indexOf(reason)),
    0,
  );
  bytes[AT.sampled] = sampled ? 1 : 0;
  bytes.write(spanId, AT.spanId, "hex");
  bytes.write(hashes.output + hashes.logs + hashes.effects, AT.hashes, "hex");
  bytes.set(tape, AT.tape);
  return bytes;
}

/** RECORDING_INVALID: it is none, or of a later release. */
export function decodeRecording(bytes: Uint8Array): Recording {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const format = buffer[AT.format];
  if (format !== FORMAT || buffer.length < AT.tape) {
    const how =
      format === undefined || format <= FORMAT
        ? "its bytes are damaged"
        : `its format is ${format}, and this release knows ${FORMAT}`;
    throw new NexusError("RECORDING_INVALID", `Cannot read the recording: ${how}`);
  }
  const hashAt = (index: number): string => {
    const at = AT.hashes + index * HASH_BYTES;
    return buffer.toString("hex", at, at + HASH_BYTES);
  };
  const bits = buffer[AT.notHermetic]!;
  return {
    notHermetic: NOT_HERMETIC.filter((_, index) => (bits & (1 << index)) !== 0),
    sampled: buffer[AT.sampled] === 1,
    spanId: buffer.toString("hex", AT.spanId, AT.hashes),
    hashes: { output: hashAt(0), logs: hashAt(1), effects: hashAt(2) },
    tape: buffer.subarray(AT.tape),
  };
}
