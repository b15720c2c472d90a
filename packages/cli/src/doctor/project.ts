import { NexusError } from "@nexus-functions/server/core/errors";
import type { Project } from "@nexus-functions/server/functions/project";
import type { Cli } from "../cli.ts";
import { checkModules, readProject, type ProjectOptions } from "../project.ts";
import { counted } from "../text.ts";
import { failed, ok, warning, type Finding } from "./finding.ts";

export interface CheckedProject {
  readonly findings: readonly Finding[];
  /** Undefined: there is none, or it cannot be read. */
  readonly project?: Project;
}

/** The configuration, and that every module can run. */
export async function checkProject(cli: Cli, options: ProjectOptions): Promise<CheckedProject> {
  let project: Project;
  try {
    project = await readProject(cli, options);
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    return { findings: [unread(error)] };
  }
  const findings = [
    ok("config", counted(project.functions.length, "function")),
    ...project.warnings.map((text) => warning("config", text, "See docs/configuration.md.")),
    await checkEveryModule(project),
  ];
  return { findings, project };
}

function unread(error: NexusError): Finding {
  if (error.code === "CONFIG_NOT_FOUND") {
    const remedy = "Go to your project, or start one with `nexus new`.";
    return warning("config", "no nexus.yaml here", remedy);
  }
  return failed("config", firstLines(error.message), "`nexus validate` lists every problem.");
}

async function checkEveryModule(project: Project): Promise<Finding> {
  const { threadRuntime } = await import("@nexus-functions/server/runtime/host/thread-runtime");
  const runtime = threadRuntime({ workers: 1 });
  try {
    const checked = await checkModules(project, runtime);
    const faults = checked.filter(({ module }) => module instanceof NexusError);
    if (faults.length === 0) return ok("modules", `${counted(checked.length, "module")} can run`);
    const names = faults.map(({ fn }) => fn.name).join(", ");
    return failed("modules", `cannot run: ${names}`, "`nexus validate` says why.");
  } finally {
    await runtime.close();
  }
}

function firstLines(message: string): string {
  return message
    .split("\n")
    .slice(0, 2)
    .map((line) => line.trim())
    .join(" ");
}
