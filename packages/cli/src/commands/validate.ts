import { Command } from "commander";
import { NexusError } from "@nexus-functions/server/core/errors";
import type { Project } from "@nexus-functions/server/functions/project";
import { formatProblem, type Problem } from "@nexus-functions/server/functions/problems";
import type { Cli } from "../cli.ts";
import { checkModules, readProject, triggerText, type CheckedFunction } from "../project.ts";
import { counted, visible } from "../text.ts";
import { formatBytes, shortVersion } from "../units.ts";

interface Options {
  readonly functionsDir?: string;
  readonly json?: boolean;
}

export function validateCommand(cli: Cli): Command {
  return new Command("validate")
    .summary("check nexus.yaml and every module")
    .description(
      "Reads the configuration, compiles the modules, and lists every problem with its file, line and column.",
    )
    .argument("[file]", "the configuration (default: NEXUS_CONFIG, then nexus.yaml)")
    .option("--functions-dir <dir>", "a folder of modules (NEXUS_FUNCTIONS_DIR)")
    .option("--json", "print JSON")
    .action((file: string | undefined, options: Options) => validate(cli, file, options));
}

interface Report {
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  readonly functions: readonly CheckedFunction[];
}

async function validate(cli: Cli, file: string | undefined, options: Options): Promise<void> {
  const report = await check(cli, { ...options, ...(file === undefined ? {} : { config: file }) });
  if (report.problems.length > 0) cli.exitWith(1);
  if (options.json === true) cli.out.json(asJson(report));
  else print(cli, report);
}

async function check(
  cli: Cli,
  source: { readonly config?: string; readonly functionsDir?: string },
): Promise<Report> {
  let project: Project;
  try {
    project = await readProject(cli, source);
  } catch (error) {
    if (!(error instanceof NexusError) || error.code !== "CONFIG_INVALID") throw error;
    const problems = error.details["problems"] as readonly Problem[] | undefined;
    if (problems === undefined) throw error;
    return { problems, warnings: [], functions: [] };
  }
  const { threadRuntime } = await import("@nexus-functions/server/runtime/host/thread-runtime");
  const runtime = threadRuntime({ workers: 1 });
  try {
    const functions = await checkModules(project, runtime);
    const problems = functions.flatMap(({ fn, module }) =>
      module instanceof NexusError
        ? [{ file: fn.code, path: "", message: moduleFault(fn.name, module) }]
        : [],
    );
    return { problems, warnings: project.warnings, functions };
  } finally {
    await runtime.close();
  }
}

function moduleFault(name: string, { message }: NexusError): string {
  return `function "${name}" cannot run: ${message.replace(/^Cannot load module: /, "")}`;
}

function print({ out }: Cli, { problems, warnings, functions }: Report): void {
  const { paint, notePaint } = out;
  for (const problem of problems) out.note(visible(formatProblem(problem)));
  for (const warning of warnings) {
    out.note(`${notePaint("yellow", "warning:")} ${visible(warning)}`);
  }
  if (problems.length > 0) {
    out.note(`${notePaint("red", "✗")} ${counted(problems.length, "problem")}`);
    return;
  }
  out.table(
    [
      { title: "FUNCTION", text: ({ fn }) => fn.name, paint: (text) => paint("bold", text) },
      {
        title: "TRIGGERS",
        text: ({ fn }) => fn.triggers.map(triggerText).join(", "),
        shrink: "end",
        least: 30,
      },
      { title: "ENTRY", text: ({ module }) => entryOf(module), dropOrder: 2 },
      { title: "IMPORTS", text: ({ module }) => importsOf(module), shrink: "end", dropOrder: 1 },
      {
        title: "SIZE",
        text: ({ fn }) => formatBytes(fn.moduleBytes),
        align: "right",
        dropOrder: 3,
      },
      {
        title: "VERSION",
        text: ({ fn }) => shortVersion(fn.version),
        paint: (text) => paint("dim", text),
      },
    ],
    functions,
  );
  out.print(`${paint("green", "✓")} ${counted(functions.length, "function")}, no problems`);
}

function entryOf(module: CheckedFunction["module"]): string {
  return module instanceof NexusError ? "" : module.entry;
}

function importsOf(module: CheckedFunction["module"]): string {
  return module instanceof NexusError ? "" : module.imports.join(", ");
}

function asJson({ problems, warnings, functions }: Report): unknown {
  return {
    valid: problems.length === 0,
    problems,
    warnings,
    functions: functions.map(({ fn, module }) => ({
      name: fn.name,
      version: fn.version,
      code: fn.code,
      module_bytes: fn.moduleBytes,
      triggers: fn.triggers,
      ...(module instanceof NexusError
        ? { error: module.message }
        : { entry: module.entry, imports: module.imports }),
    })),
  };
}
