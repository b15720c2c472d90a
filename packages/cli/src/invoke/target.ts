import type { FunctionVersion } from "@nexus-functions/server/core/function";
import type { GrantedFiles } from "@nexus-functions/server/core/mounts";
import { sha256 } from "@nexus-functions/server/core/ids";
import { CliError, type Cli } from "../cli.ts";
import { isModulePath, readModule } from "./module.ts";
import { readProject, type ProjectOptions } from "../project.ts";

export interface TargetOptions extends ProjectOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly timeout?: number;
  readonly memory?: number;
}

/** What is run, and on which limits. */
export interface Target {
  readonly fn: FunctionVersion;
  readonly module: Uint8Array;
  /** Absent: it sees no file system. */
  readonly files?: GrantedFiles;
  readonly sourceMap: Uint8Array | undefined;
}

/** A module by its path, with the platform's defaults, or a function of the project, with its settings. */
export async function resolveTarget(
  cli: Cli,
  name: string,
  options: TargetOptions,
): Promise<Target> {
  const target = isModulePath(name)
    ? await moduleAt(name)
    : await functionCalled(cli, name, options);
  const { fn } = target;
  return {
    ...target,
    fn: {
      ...fn,
      env: { ...fn.env, ...options.env },
      limits: {
        ...fn.limits,
        ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
        ...(options.memory === undefined ? {} : { memoryBytes: options.memory }),
      },
    },
  };
}

async function moduleAt(path: string): Promise<Target> {
  const [{ module, sourceMap }, { functionSettings }, { functionVersion }] = await Promise.all([
    readModule(path),
    import("@nexus-functions/server/functions/settings"),
    import("@nexus-functions/server/functions/version"),
  ]);
  const name = path.replace(/^.*[/\\]/, "").replace(/\.wasm$/, "");
  const facts = { sha256: sha256(module), bytes: module.length, code: path };
  return {
    fn: functionVersion(functionSettings(name, [], { kv: true }, {}), facts, Date.now()),
    module,
    sourceMap,
  };
}

async function functionCalled(cli: Cli, name: string, options: TargetOptions): Promise<Target> {
  const project = await readProject(cli, options);
  const fn = project.functions.find((one) => one.name === name);
  if (fn === undefined) {
    const { didYouMean } = await import("@nexus-functions/server/functions/suggest");
    const names = project.functions.map((one) => one.name);
    throw new CliError(
      `Cannot run function "${name}": the project has none of that name${didYouMean(name, names)}`,
      { hint: names.length === 0 ? "It has no function at all." : `It has ${names.join(", ")}.` },
    );
  }
  const { grantedFiles } = await import("@nexus-functions/server/functions/project");
  return {
    fn,
    module: project.modules.get(fn.moduleSha256)!,
    sourceMap: project.sourceMaps.get(fn.moduleSha256),
    files: grantedFiles(project, fn),
  };
}
