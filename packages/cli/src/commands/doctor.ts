import { existsSync } from "node:fs";
import { Command } from "commander";
import { readConfig, type ConfigOverrides } from "@nexus-functions/server/config";
import { natsOptions } from "@nexus-functions/server/nats/options";
import type { Cli } from "../cli.ts";
import type { Finding } from "../doctor/finding.ts";
import { checkDataDir, checkNode } from "../doctor/machine.ts";
import { checkNats } from "../doctor/nats.ts";
import { checkProject } from "../doctor/project.ts";
import { checkServer } from "../doctor/server.ts";
import { connect } from "../connect.ts";
import { withReadingOptions, type ReadingOptions } from "../reading.ts";
import { counted, visible, wrapped } from "../text.ts";

interface Options extends ReadingOptions {
  readonly config?: string;
  readonly functionsDir?: string;
  readonly dataDir?: string;
  readonly production?: boolean;
}

export function doctorCommand(cli: Cli): Command {
  const command = new Command("doctor")
    .summary("look for what is wrong, and say what to do")
    .description(
      "Checks this machine, the project in this folder, the data directory, NATS where it is used, and the server.",
    )
    .option("-c, --config <file>", "configuration (NEXUS_CONFIG, nexus.yaml)")
    .option("--functions-dir <dir>", "a folder of modules (NEXUS_FUNCTIONS_DIR)")
    .option("--data-dir <dir>", "where events are kept (NEXUS_DATA_DIR, .nexus)")
    .option("--production", "check as well what production needs: docs/production-checks.md");
  return withReadingOptions(command).action((options: Options) => doctor(cli, options));
}

async function doctor(cli: Cli, options: Options): Promise<void> {
  const { out } = cli;
  const config = readConfig(cli.env, overrides(cli, options), existsSync);
  const findings: Finding[] = [];
  const show = (...found: readonly Finding[]): void => {
    findings.push(...found);
    if (options.json !== true) for (const finding of found) print(cli, finding);
  };
  show(checkNode());
  const { findings: ofProject, project } = await checkProject(cli, options);
  show(...ofProject);
  show(...(await checkDataDir(config.dataDir)));
  const nats = natsOptions(config, project?.nats);
  const { findings: ofNats, found: natsFound } = await checkNats(nats);
  show(...ofNats);
  const api = connect(cli, options);
  show(...(await checkServer(api)));
  if (options.production === true) {
    const { checkProduction } = await import("../doctor/production/production.ts");
    show(...(await checkProduction(cli, api, { config, project, nats, natsFound })));
  }

  const failures = findings.filter(({ state }) => state === "failed").length;
  if (failures > 0) cli.exitWith(1);
  if (options.json === true) return out.json({ ok: failures === 0, findings });
  out.print();
  out.print(summary(cli, findings, failures));
}

function summary({ out }: Cli, findings: readonly Finding[], failures: number): string {
  const warnings = findings.filter(({ state }) => state === "warning").length;
  const besides = warnings === 0 ? "" : ` ${counted(warnings, "warning")}.`;
  if (failures > 0) return out.paint("red", `${counted(failures, "check")} failed.`) + besides;
  return warnings === 0 ? out.paint("green", "Nothing is wrong.") : `Nothing failed.${besides}`;
}

/** What `nexus start` would be told; without --production, where it listens is of no concern. */
function overrides({ env }: Cli, options: Options): ConfigOverrides {
  const { config: configFile, functionsDir, dataDir } = options;
  return { configFile, functionsDir, dataDir, host: env["NEXUS_HOST"] || "0.0.0.0" };
}

const NAME_WIDTH = 16;

function print({ out }: Cli, { check, state, detail, remedy }: Finding): void {
  const { paint } = out;
  const mark = {
    ok: paint("green", "✓"),
    warning: paint("yellow", "!"),
    failed: paint("red", "✗"),
  }[state];
  const margin = " ".repeat(NAME_WIDTH + 4);
  const room = out.width - margin.length;
  out.print(
    `${mark} ${check.padEnd(NAME_WIDTH)}  ${wrapped(visible(detail), room).join(`\n${margin}`)}`,
  );
  if (remedy === undefined) return;
  for (const line of wrapped(`→ ${remedy}`, room)) out.print(margin + paint("dim", line));
}
