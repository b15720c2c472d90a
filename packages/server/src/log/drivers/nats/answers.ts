import type { Msg } from "@nats-io/transport-node";
import { NexusError } from "../../../core/errors.ts";
import { jetStreamCodes, NO_ROOM } from "../../../core/jetstream.ts";
import { decodeJson } from "./wire.ts";

/** What a stream answers to a message. */
export interface Kept {
  /** The message's own, or that of the one that is there already. */
  readonly sequence: number;
  readonly duplicate: boolean;
}

interface Answer {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

/** What the stream says of a message. LOG_FULL, LOG_UNAVAILABLE. */
export function keptOf(message: Msg, subject: string): Kept {
  if (message.data.length === 0) {
    throw unavailable("keep a message", `JetStream is not there (no stream takes "${subject}")`);
  }
  const { seq, duplicate, error } = decodeJson<Answer>(message.data);
  if (error === undefined) return { sequence: seq!, duplicate: duplicate ?? false };
  const { err_code: code = 0, description = "" } = error;
  if (code === jetStreamCodes.wrongLastSequence) {
    return { sequence: Number(/\d+$/.exec(description)?.[0] ?? 0), duplicate: true };
  }
  if (NO_ROOM.has(code)) {
    throw new NexusError("LOG_FULL", `Cannot keep a message in NATS: ${description}`);
  }
  throw unavailable("keep a message", `JetStream says "${description}" (${code})`);
}

/** Why the client did not send something. */
export function sendFailed(error: unknown): NexusError {
  const { message } = error as Error;
  if (/max_payload/i.test(message)) {
    return new NexusError(
      "EVENT_TOO_LARGE",
      "Cannot keep the event in NATS: it is larger than the server's max_payload (1 MB unless its configuration says more)",
      { cause: error },
    );
  }
  return unavailable("reach the event log", message, error);
}

/** `Cannot <what>: <how>`. */
export function unavailable(what: string, how: string, cause?: unknown): NexusError {
  return new NexusError("LOG_UNAVAILABLE", `Cannot ${what}: ${how}`, { cause });
}

/** Does one thing with JetStream's API; whatever fails is LOG_UNAVAILABLE. */
export async function withJetStream<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof NexusError) throw error;
    throw unavailable(what, (error as Error).message, error);
  }
}
