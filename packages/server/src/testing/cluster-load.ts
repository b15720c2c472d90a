// Clients of a cluster that do what clients should: go on with the same event until it is acknowledged.
import { setTimeout as delay } from "node:timers/promises";
import type { Invocation } from "../core/invocation.ts";
import { ended, type Acknowledged } from "./checker.ts";
import type { TestNode } from "./nodes.ts";

/** How long a client waits before it tries another node; its own affair, no test waits for it. */
const AGAIN_MS = 25;

export interface LoadOptions {
  /** Nodes to send to, as they are now. */
  readonly urls: () => readonly string[];
  /** One client each, which sends one event after the other. */
  readonly keys: readonly string[];
  readonly type?: string;
  /** In every event's data, beside `key` and `n`. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** Between the acknowledgement of one event and the next one. */
  readonly pauseMs?: number;
}

/** An answer that is no acknowledgement. */
export interface Refusal {
  readonly url: string;
  readonly status: number;
  readonly code: string;
  readonly retryAfter: string | null;
}

/** Disposed, it gives up what is under way. */
export interface Load extends Disposable {
  readonly acknowledged: readonly Acknowledged[];
  readonly refusals: readonly Refusal[];
  /** Resolves when so many more events are acknowledged than now. */
  more(count: number): Promise<void>;
  /** Resolves with the next answer of any kind. */
  tried(): Promise<void>;
  /** Sends nothing new; resolves when what is under way is acknowledged. */
  stop(): Promise<void>;
}

export function startLoad(options: LoadOptions): Load {
  const { urls, keys, type = "order.placed", data = {}, pauseMs = 30 } = options;
  const acknowledged: Acknowledged[] = [];
  const refusals: Refusal[] = [];
  const given = new AbortController();
  const stopping = new AbortController();
  const clients = Promise.all(keys.map(send));
  return {
    acknowledged,
    refusals,
    async more(count) {
      const enough = acknowledged.length + count;
      while (acknowledged.length < enough) await delay(5);
    },
    async tried() {
      const before = acknowledged.length + refusals.length;
      while (acknowledged.length + refusals.length === before) await delay(5);
    },
    async stop() {
      stopping.abort();
      await clients;
    },
    [Symbol.dispose]() {
      stopping.abort();
      given.abort();
    },
  };

  async function send(key: string, client: number): Promise<void> {
    for (let n = 0; !stopping.signal.aborted; n += 1) {
      const id = `${key}-${n}`;
      const body = JSON.stringify({ key, n, ...data });
      for (let tries = 0; !given.signal.aborted; tries += 1) {
        const all = urls();
        const position = await offer(all[(client + n + tries) % all.length]!, id, body);
        if (position === undefined) {
          await delay(AGAIN_MS);
          continue;
        }
        acknowledged.push({ id, key, position });
        break;
      }
      if (pauseMs > 0) await delay(pauseMs);
    }
  }

  async function offer(url: string, id: string, body: string): Promise<number | undefined> {
    let response: Response;
    try {
      response = await fetch(`${url}/events/${type}`, {
        method: "POST",
        headers: { "content-type": "application/json", "ce-id": id },
        body,
        signal: given.signal,
      });
      const answer = (await response.json()) as { position: number; code?: string };
      if (response.status === 202) return answer.position;
      refusals.push({
        url,
        status: response.status,
        code: answer.code ?? "",
        retryAfter: response.headers.get("retry-after"),
      });
    } catch {
      // the node is gone, in the middle of this request or before it
    }
    return undefined;
  }
}

const LOOK_MS = 200;

/** Waits until every acknowledged event was run to its end by each of these functions; resolves with all records. */
export async function drained(
  node: TestNode,
  acknowledged: readonly Acknowledged[],
  names: readonly string[],
): Promise<readonly Invocation[]> {
  for (;;) {
    const records = await node.all<Invocation>("/invocations", "invocations");
    const over = new Set(
      records.filter((record) => ended([record])).map((one) => `${one.function} ${one.event_id}`),
    );
    const open = acknowledged.some(({ id }) => names.some((name) => !over.has(`${name} ${id}`)));
    if (!open) return records;
    await delay(LOOK_MS);
  }
}
