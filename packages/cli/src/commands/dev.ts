import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { readConfig, type ServerConfig } from "@nexus-functions/server/config";
import { newToken } from "@nexus-functions/server/core/api-token";
import type { FunctionVersion } from "@nexus-functions/server/core/function";
import type { Reload, RunningServer } from "@nexus-functions/server/server";
import type { Cli } from "../cli.ts";
import { connect } from "../connect.ts";
import { devLog, type DevLog } from "../dev-log.ts";
import { triggerText } from "../project.ts";
import { eventLine, invocationLines } from "../records.ts";
import { indent, visible } from "../text.ts";
import { formatDuration, shortVersion } from "../units.ts";
import { startNats, withNats, type OwnNats } from "../own-nats.ts";
import { endSoon, noteToken, withServerOptions } from "./start.ts";

interface Options {
  readonly port?: number;
  readonly host?: string;
  readonly config?: string;
  readonly functionsDir?: string;
  readonly dataDir?: string;
  readonly ephemeral?: boolean;
  readonly nats?: boolean;
}

export function devCommand(cli: Cli): Command {
  const command = new Command("dev")
    .summary("serve while you write, and reload what changes")
    .description(
      "Serves the project in this folder, shows every event and every run as it happens, and puts a changed nexus.yaml or module into service at once. A broken one is refused with the reason, and the last good one goes on.",
    );
  return withServerOptions(command, "127.0.0.1")
    .option("--ephemeral", "keep events in a temporary folder, gone at the end")
    .option("--nats", "keep events in a NATS of its own: starts nats-server (NEXUS_NATS_SERVER)")
    .action((options: Options) => dev(cli, options));
}

async function dev(cli: Cli, options: Options): Promise<void> {
  const { out } = cli;
  const begun = performance.now();
  const log = devLog(cli);
  const config = devConfig(cli, options, log);
  const nats = options.nats === true ? await startNats(cli, config) : undefined;
  try {
    const { startServer, VERSION } = await import("@nexus-functions/server/server");
    const ownToken = newToken();
    const server = await startServer(nats === undefined ? config : withNats(config, nats), {
      write: log.write,
      colour: out.colour,
      showToken: (token) => noteToken(cli, token),
      ownToken,
      onReload: (reload) => printReload(cli, reload),
    });
    banner(cli, { server, config, nats, version: VERSION, startMs: performance.now() - begun });
    await follow(cli, server, ownToken);
    out.print();
    out.print(out.paint("dim", "Stopping: finishing what runs. Ctrl-C again ends at once."));
    await server.close();
  } finally {
    await nats?.stop();
  }
  endSoon();
}

/** Each event and each run as it happens, until Ctrl-C. */
async function follow(cli: Cli, server: RunningServer, token: string): Promise<void> {
  const { out, signal } = cli;
  for await (const item of connect(cli, { url: server.url, token }).stream({}, signal)) {
    if (item.kind === "event") {
      out.print(eventLine(item.event, out.paint));
    } else if (item.kind === "invocation") {
      const nameWidth = Math.max(0, ...server.functions().map(({ name }) => name.length));
      const lines = invocationLines(item.invocation, out.paint, { width: out.width, nameWidth });
      for (const line of lines) out.print(line);
    }
  }
}

function devConfig({ env }: Cli, options: Options, log: DevLog): ServerConfig {
  return readConfig(
    env,
    {
      host: options.host,
      port: options.port,
      configFile: options.config,
      functionsDir: options.functionsDir,
      dataDir: options.ephemeral === true ? temporaryFolder() : options.dataDir,
      logLevel: log.logLevel,
      logFormat: log.logFormat,
      watch: true,
    },
    existsSync,
  );
}

// Removed on every way out, the second Ctrl-C included.
function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "nexus-dev-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

interface Started {
  readonly server: RunningServer;
  readonly config: ServerConfig;
  readonly nats: OwnNats | undefined;
  readonly version: string;
  readonly startMs: number;
}

function banner({ out }: Cli, { server, config, nats, version, startMs }: Started): void {
  const { paint } = out;
  const functions = server.functions();
  out.print();
  out.print(
    `  ${paint("bold", "Nexus Functions")} ${paint("dim", version)}  ${paint(["cyan", "underline"], server.url)}`,
  );
  out.print(paint("dim", `  ready in ${formatDuration(startMs)}, events in ${config.dataDir}`));
  if (nats !== undefined) {
    out.print(paint("dim", `  NATS ${nats.version} at ${nats.url} (process ${nats.pid})`));
  }
  out.print();
  printFunctions(out, functions);
  if (functions.length === 0) out.print("  No functions yet: events are kept, and nothing runs.");
  out.print();
  out.print(paint("dim", "  Waiting for events and changes. Ctrl-C stops."));
  out.print();
}

function printFunctions(out: Cli["out"], functions: readonly FunctionVersion[]): void {
  const { paint } = out;
  const nameWidth = Math.max(...functions.map(({ name }) => name.length));
  const lines = functions.flatMap(({ name, version, triggers }) =>
    triggers.map((trigger, index) => ({
      name: index === 0 ? name : "",
      trigger: visible(triggerText(trigger)),
      version: index === 0 ? shortVersion(version) : "",
    })),
  );
  const triggerWidth = Math.max(...lines.map(({ trigger }) => trigger.length));
  for (const { name, trigger, version } of lines) {
    const text = `  ${paint("green", name.padEnd(nameWidth))}  ${trigger.padEnd(triggerWidth)}  ${paint("dim", version)}`;
    out.print(text.trimEnd());
  }
}

function printReload({ out }: Cli, reload: Reload): void {
  const { paint } = out;
  if (!reload.ok) {
    out.print(`${paint("red", "✗")} Not reloaded, the last good versions stay in service:`);
    out.print(indent(visible(reload.error.message, true), "  "));
    return;
  }
  for (const { name, version } of reload.changed) {
    out.print(
      `${paint("green", "↻")} Now serving ${paint("bold", name)} ${paint("dim", shortVersion(version))}`,
    );
  }
  for (const name of reload.removed) {
    out.print(`${paint("yellow", "↻")} No longer serving ${paint("bold", name)}`);
  }
  if (reload.changed.length + reload.removed.length === 0) {
    out.print(paint("dim", "↻ Read again: no function changed"));
  }
}
