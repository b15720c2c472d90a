import type { FunctionVersion } from "@nexus-functions/server/core/function";
import { sha256 } from "@nexus-functions/server/core/ids";
import { CliError, type Cli } from "../cli.ts";
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
  readonly sourceMap: Uint8Array | undefined;
}

/** A module by its path, with the platform's defaults, or a function of the project, with its settings. */
export async function resolveTarget(
  cli: Cli,
  name: string,
  options: TargetOptions,
): Promise<Target> {
  const target = isPath(name) ? await moduleAt(name) : await functionCalled(cli, name, options);
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

function isPath(name: string): boolean {
  return /[/\\]|\.wasm$/.test(name);
}

async function moduleAt(path: string): Promise<Target> {
  const [
    { SourceFiles },
    { MAX_MODULE_BYTES, moduleIn, sourceMapOf },
    { functionSettings },
    { functionVersion },
  ] = await Promise.all([
    import("@nexus-functions/server/functions/files"),
    import("@nexus-functions/server/functions/wasm-file"),
    import("@nexus-functions/server/functions/settings"),
    import("@nexus-functions/server/functions/version"),
  ]);
  const files = new SourceFiles();
  const module = moduleIn(await files.read(path, MAX_MODULE_BYTES));
  if (typeof module === "string") throw new CliError(`Cannot run "${path}": it ${module}`);
  const name = path.replace(/^.*[/\\]/, "").replace(/\.wasm$/, "");
  const facts = { sha256: sha256(module), bytes: module.length, code: path };
  return {
    fn: functionVersion(functionSettings(name, [], {}, {}), facts, Date.now()),
    module,
    sourceMap: await sourceMapOf(path, module, files),
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
  return {
    fn,
    module: project.modules.get(fn.moduleSha256)!,
    sourceMap: project.sourceMaps.get(fn.moduleSha256),
  };
}
