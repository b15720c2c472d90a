import { readFileSync } from "node:fs";
import { createClient, type NexusClient } from "@nexus-functions/client/client";
import { readTokens } from "@nexus-functions/server/core/api-token";
import { InvalidArgumentError } from "commander";
import { CliError, fileError, type Cli } from "./cli.ts";
import { url as parseUrl } from "./values.ts";

const DEFAULT_URL = "http://127.0.0.1:8080";

export interface ConnectOptions {
  readonly url?: string;
  readonly tokenFile?: string;
  /** Wins over every other. */
  readonly token?: string;
}

/**
 * A client of the server that --url or NEXUS_URL names, with the token of --token-file, NEXUS_API_TOKEN or
 * NEXUS_API_TOKEN_FILE. Ctrl-C ends its calls.
 */
export function connect({ env, signal }: Cli, options: ConnectOptions): NexusClient {
  return createClient({
    url: options.url ?? urlIn(env["NEXUS_URL"] || DEFAULT_URL),
    token: options.token ?? tokenFrom(env, options.tokenFile),
    fetch: (input, init) => fetch(input, { signal, ...init }),
  });
}

function tokenFrom(env: Cli["env"], tokenFile: string | undefined): string | undefined {
  const given = env["NEXUS_API_TOKEN"] || undefined;
  if (tokenFile === undefined && given !== undefined) {
    return firstToken(given, "use NEXUS_API_TOKEN");
  }
  const file = tokenFile ?? (env["NEXUS_API_TOKEN_FILE"] || undefined);
  return file === undefined ? undefined : firstToken(contentOf(file), `use token file "${file}"`);
}

/** The variables and the file are a server's too, and then may hold several: the first one is sent. */
function firstToken(text: string, doWhat: string): string {
  const tokens = readTokens(text);
  if (typeof tokens === "string") throw new CliError(`Cannot ${doWhat}: it ${tokens}`);
  return tokens[0]!.token;
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw fileError("read token file", file, error);
  }
}

function urlIn(text: string): string {
  try {
    return parseUrl(text);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new CliError(`Cannot use NEXUS_URL="${text}": it is not a URL`, { cause: error });
  }
}
