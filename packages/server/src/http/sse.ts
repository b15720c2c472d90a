import { setTimeout as delay } from "node:timers/promises";
import type { HttpReply } from "./http.ts";

/** Proxies close connections that say nothing for a minute, some after less. */
const HEARTBEAT_MS = 15_000;

/** Made once, and ended by aborting its signal. */
export type Messages = (signal: AbortSignal) => AsyncIterable<string>;

/**
 * The answer that streams these messages, as server-sent events, until they end or `signal` aborts, with
 * comments between where there are none for long.
 */
export function sseReply(messages: Messages, signal: AbortSignal): HttpReply {
  return {
    status: 200,
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    },
    body: frames(messages, signal),
  };
}

/** A message of this name. */
export function sseMessage(event: string, json: string): string {
  // An event's JSON may have line breaks between its members; each line is a field of its own.
  const data = /[\r\n]/.test(json) ? json.replaceAll(/\r\n|\r|\n/g, "\ndata: ") : json;
  return `event: ${event}\ndata: ${data}\n\n`;
}

async function* frames(
  messages: Messages,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  // Ends them also where the reader stops reading before the client is gone.
  const stopped = new AbortController();
  const iterator = messages(AbortSignal.any([signal, stopped.signal]))[Symbol.asyncIterator]();
  try {
    let next = iterator.next();
    // At once: the client knows that it is connected, and nothing is missed from here on.
    yield ": connected\n\n";
    while (!signal.aborted) {
      const quiet = new AbortController();
      const heartbeat = delay(HEARTBEAT_MS, undefined, { signal: quiet.signal }).catch(
        () => undefined,
      );
      const winner = await Promise.race([next, heartbeat]);
      quiet.abort();
      if (winner === undefined) {
        yield ": heartbeat\n\n";
        continue;
      }
      if (winner.done === true) return;
      next = iterator.next();
      yield winner.value;
    }
  } finally {
    stopped.abort();
  }
}
