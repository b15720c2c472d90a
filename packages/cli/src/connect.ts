import { createClient, type NexusClient } from "@nexus-functions/client/client";
import { InvalidArgumentError } from "commander";
import { CliError, type Cli } from "./cli.ts";
import { url as parseUrl } from "./values.ts";

const DEFAULT_URL = "http://127.0.0.1:8080";

/** A client of the server that --url or NEXUS_URL names. Ctrl-C ends its calls. */
export function connect({ env, signal }: Cli, { url }: { readonly url?: string }): NexusClient {
  return createClient({
    url: url ?? urlIn(env["NEXUS_URL"] || DEFAULT_URL),
    fetch: (input, init) => fetch(input, { signal, ...init }),
  });
}

function urlIn(text: string): string {
  try {
    return parseUrl(text);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new CliError(`Cannot use NEXUS_URL="${text}": it is not a URL`, { cause: error });
  }
}
