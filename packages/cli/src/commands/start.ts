import { existsSync } from "node:fs";
import { Command } from "commander";
import { readConfig } from "@nexus-functions/server/config";
import { aborted } from "@nexus-functions/server/core/aborted";
import type { Cli } from "../cli.ts";
import * as value from "../values.ts";

interface Options {
  readonly port?: number;
  readonly host?: string;
  readonly config?: string;
  readonly functionsDir?: string;
  readonly dataDir?: string;
}

/** What `start` and `dev` have in common. */
export function withServerOptions(command: Command, host: string): Command {
  return command
    .option(
      "-p, --port <port>",
      "port; 0 for any free one (NEXUS_PORT, 8080)",
      value.count(0, 65_535),
    )
    .option("--host <address>", `address to listen on (NEXUS_HOST, ${host})`)
    .option("-c, --config <file>", "configuration (NEXUS_CONFIG, nexus.yaml)")
    .option("--functions-dir <dir>", "a folder of modules (NEXUS_FUNCTIONS_DIR)")
    .option("--data-dir <dir>", "where events are kept (NEXUS_DATA_DIR, .nexus)");
}

export function startCommand(cli: Cli): Command {
  const command = new Command("start")
    .summary("serve in production")
    .description(
      "Serves until SIGTERM or Ctrl-C, then takes nothing new and finishes what runs. Logs are JSON, a line each.",
    );
  return withServerOptions(command, "0.0.0.0").action((options: Options) => start(cli, options));
}

async function start(cli: Cli, options: Options): Promise<void> {
  const { out, env, signal } = cli;
  const config = readConfig(
    env,
    {
      host: options.host ?? (env["NEXUS_HOST"] || "0.0.0.0"),
      port: options.port,
      configFile: options.config,
      functionsDir: options.functionsDir,
      dataDir: options.dataDir,
    },
    existsSync,
  );
  const { startServer } = await import("@nexus-functions/server/server");
  const server = await startServer(config, {
    write: (line) => out.write(line),
    colour: out.colour,
    showToken: (token) => noteToken(cli, token),
  });
  await aborted(signal);
  await server.close();
  endSoon();
}

/** On stderr, for a person: stdout is the log, which others keep. */
export function noteToken({ out }: Cli, token: string): void {
  out.note();
  out.note(`  API token: ${token}`);
  out.note();
  out.note(
    "  None was set, so this one was made. It is shown this once; its hash is kept in the data directory.",
  );
  out.note("  Send it as NEXUS_API_TOKEN, or as the header Authorization: Bearer <token>.");
  out.note();
}

/**
 * Ends the process in a moment, whatever is still open: a collector of traces that does not answer would
 * hold it up for as long as the export may take.
 */
export function endSoon(): void {
  setTimeout(() => process.exit(), 250).unref();
}
