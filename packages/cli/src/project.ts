import { existsSync } from "node:fs";
import { NexusError } from "@nexus-functions/server/core/errors";
import type { FunctionVersion, Trigger } from "@nexus-functions/server/core/function";
import { readConfig } from "@nexus-functions/server/config";
import type { Project } from "@nexus-functions/server/functions/project";
import type { ModuleFacts, Runtime } from "@nexus-functions/server/runtime/runtime";
import type { Cli } from "./cli.ts";

/** Where a command line says the project is; absent: the environment, then nexus.yaml. */
export interface ProjectOptions {
  readonly config?: string;
  readonly functionsDir?: string;
}

/** The project, read and checked as the server does. CONFIG_INVALID, CONFIG_NOT_FOUND. */
export async function readProject(cli: Cli, options: ProjectOptions): Promise<Project> {
  const { configFile, functionsDir } = readConfig(
    cli.env,
    { configFile: options.config, functionsDir: options.functionsDir },
    existsSync,
  );
  if (configFile === undefined && functionsDir === undefined) {
    throw new NexusError(
      "CONFIG_NOT_FOUND",
      "Cannot find a project: there is no nexus.yaml in this folder",
    );
  }
  // Loaded where it is needed: most commands read no project, and start faster without the parser.
  const { loadProject } = await import("@nexus-functions/server/functions/project");
  return loadProject({
    ...(configFile === undefined ? {} : { configFile }),
    ...(functionsDir === undefined ? {} : { functionsDir }),
  });
}

export interface CheckedFunction {
  readonly fn: FunctionVersion;
  /** Or why the module cannot be run. */
  readonly module: ModuleFacts | NexusError;
}

/** Compiles every function's module as a deployment does. */
export async function checkModules(
  project: Project,
  runtime: Runtime,
): Promise<readonly CheckedFunction[]> {
  const { grantedFiles } = await import("@nexus-functions/server/functions/project");
  const checked: CheckedFunction[] = [];
  for (const fn of project.functions) {
    const { version, limits, grants } = fn;
    const bytes = project.modules.get(fn.moduleSha256)!;
    try {
      const files = grantedFiles(project, fn);
      checked.push({ fn, module: await runtime.load({ version, bytes, limits, grants, files }) });
    } catch (error) {
      if (!(error instanceof NexusError) || error.code !== "MODULE_INVALID") throw error;
      checked.push({ fn, module: error });
    }
  }
  return checked;
}

/** `event com.example.*`, `http POST /welcome`, `cron 0 3 * * *`. */
export function triggerText(trigger: Trigger): string {
  switch (trigger.kind) {
    case "event":
      return `event ${trigger.pattern}`;
    case "http":
      return `http ${trigger.method} ${trigger.path}${trigger.respond ? " (responds)" : ""}`;
    case "cron":
      return `cron ${trigger.schedule}${trigger.timezone === "UTC" ? "" : ` ${trigger.timezone}`}`;
    case "nats":
      return `nats ${trigger.subject}`;
  }
}
