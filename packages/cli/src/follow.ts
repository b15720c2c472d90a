import type { NexusClient, StreamItem } from "@nexus-functions/client/client";
import type { Cli } from "./cli.ts";
import { counted } from "./text.ts";

export interface Follow<T> {
  readonly query: { readonly type?: string | undefined; readonly function?: string | undefined };
  /** What there is already, oldest first: shown before what comes. */
  readonly before: () => Promise<readonly T[]>;
  /** What of the stream is wanted. */
  readonly pick: (item: StreamItem) => T | undefined;
  readonly idOf: (one: T) => string;
  readonly show: (one: T) => void;
}

/** Shows what there is and then what comes, each once, until Ctrl-C. */
export async function follow<T>(
  { out, signal }: Cli,
  api: NexusClient,
  what: Follow<T>,
): Promise<void> {
  const items = api.stream(what.query, signal)[Symbol.asyncIterator]();
  // The stream is asked for first, so that nothing falls between it and the list.
  let next = items.next();
  const seen = new Set<string>();
  for (const one of await what.before()) {
    seen.add(what.idOf(one));
    what.show(one);
  }
  try {
    for (let item = await next; item.done !== true; item = await next) {
      next = items.next();
      if (item.value.kind === "gap") {
        out.note(out.notePaint("yellow", gapText(item.value.missed)));
        continue;
      }
      const one = what.pick(item.value);
      if (one !== undefined && !seen.has(what.idOf(one))) what.show(one);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function gapText(missed: number | undefined): string {
  return missed === undefined
    ? "… connected again; what came meanwhile is not shown"
    : `… ${counted(missed, "entry", "entries")} came too fast to show`;
}
