import type { Command } from "commander";
import type { Output } from "./output.ts";
import * as value from "./values.ts";

export interface ReadingOptions {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

/** What every command that asks a server takes; `json: false`: its result is no JSON. */
export function withReadingOptions(command: Command, { json = true } = {}): Command {
  command
    .option("--url <url>", "the server (NEXUS_URL, http://127.0.0.1:8080)", value.url)
    .option("--token-file <file>", "holds the API token (NEXUS_API_TOKEN, NEXUS_API_TOKEN_FILE)");
  return json ? command.option("--json", "print JSON") : command;
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

/** The `limit` of the calls behind a list: one more than is shown tells whether there are others. */
export function pageSize({ limit = DEFAULT_LIMIT, all = false }: PageOptions): number {
  return all ? LARGEST_PAGE : Math.min(LARGEST_PAGE, limit + 1);
}

/** As many as asked for; `more`: whether there are others. */
export async function collect<T>(
  { limit = DEFAULT_LIMIT, all = false }: PageOptions,
  source: AsyncIterable<T>,
): Promise<{ readonly items: readonly T[]; readonly more: boolean }> {
  const items: T[] = [];
  for await (const item of source) {
    if (!all && items.length === limit) return { items, more: true };
    items.push(item);
  }
  return { items, more: false };
}

/** Said under a list that was cut. */
export function noteMore(out: Output): void {
  if (out.attended) out.note(out.notePaint("dim", "There are more: see --limit and --all."));
}
