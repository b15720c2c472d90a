import type { Command } from "commander";
import type { Output } from "./output.ts";
import * as value from "./values.ts";

export interface ReadingOptions {
  readonly url?: string;
  readonly json?: boolean;
}

/** What every command that asks a server takes. */
export function withReadingOptions(command: Command): Command {
  return command
    .option("--url <url>", "the server (NEXUS_URL, http://127.0.0.1:8080)", value.url)
    .option("--json", "print JSON");
}

export interface PageOptions {
  readonly limit?: number;
  readonly all?: boolean;
}

const DEFAULT_LIMIT = 20;

/** How much of the past `--follow` begins with. */
export const FOLLOW_LIMIT = 10;

const LARGEST_PAGE = 1000;

/** `--limit` and `--all`, for lists that come newest first. */
export function withPageOptions(command: Command, what: string): Command {
  return command
    .option(
      "-n, --limit <count>",
      `newest ${what} to list (${DEFAULT_LIMIT})`,
      value.count(1, 1_000_000),
    )
    .option("--all", `list every one there is`);
}

interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string | undefined;
}

/** The items of page after page, as many as asked for; `more`: whether there are others. */
export async function collect<T>(
  { limit = DEFAULT_LIMIT, all = false }: PageOptions,
  fetchPage: (request: { limit: number; cursor?: string }) => Promise<Page<T>>,
): Promise<{ readonly items: readonly T[]; readonly more: boolean }> {
  const items: T[] = [];
  const wanted = all ? Infinity : limit;
  let cursor: string | undefined;
  do {
    const page = await fetchPage({
      limit: Math.min(LARGEST_PAGE, wanted - items.length),
      ...(cursor === undefined ? {} : { cursor }),
    });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined && items.length < wanted);
  return { items, more: cursor !== undefined };
}

/** Said under a list that was cut. */
export function noteMore(out: Output): void {
  if (out.attended) out.note(out.notePaint("dim", "There are more: see --limit and --all."));
}
