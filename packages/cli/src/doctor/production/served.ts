import { createClient, type NexusClient } from "@nexus-functions/client/client";
import { NexusProblem } from "@nexus-functions/client/problem";
import type { Health } from "@nexus-functions/client/api.gen";
import { figures, type Figures } from "../../figures.ts";

/** What a running server says of itself. */
export interface Served {
  readonly health: Health;
  readonly notReady: readonly string[];
  /** Whether it answers calls of the API without a token. */
  readonly isOpen: boolean;
  /** How far its clock is ahead of this one's, to the second; undefined: it does not tell. */
  readonly aheadMs: number | undefined;
  /** Or why they cannot be read. */
  readonly figures: Figures | string;
}

/** Undefined: nobody of ours answers there. */
export async function readServed(
  api: NexusClient,
  signal: AbortSignal,
): Promise<Served | undefined> {
  try {
    const health = await api.health();
    const { reasons } = await api.readyz();
    return {
      health,
      notReady: reasons,
      ...(await readBare(api.url, signal)),
      figures: await readFigures(api),
    };
  } catch (error) {
    if (error instanceof NexusProblem) return undefined;
    throw error;
  }
}

async function readFigures(api: NexusClient): Promise<Figures | string> {
  try {
    return figures(await api.metrics());
  } catch (error) {
    if (error instanceof NexusProblem) return error.message;
    throw error;
  }
}

/** Asks as a stranger does. */
async function readBare(
  url: string,
  signal: AbortSignal,
): Promise<Pick<Served, "isOpen" | "aheadMs">> {
  let date = NaN;
  const asked = Date.now();
  const stranger = createClient({
    url,
    async fetch(input, init) {
      const answer = await fetch(input, { signal, ...init });
      date = Date.parse(answer.headers.get("date") ?? "");
      return answer;
    },
  });
  const isOpen = await answers(stranger);
  // Cut to the second when it was sent.
  const aheadMs = date + 500 - (asked + Date.now()) / 2;
  return { isOpen, aheadMs: Number.isNaN(aheadMs) ? undefined : aheadMs };
}

async function answers(stranger: NexusClient): Promise<boolean> {
  try {
    await stranger.listFunctions();
    return true;
  } catch (error) {
    if (error instanceof NexusProblem && error.code === "UNAUTHORIZED") return false;
    throw error;
  }
}
