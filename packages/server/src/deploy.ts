import { NexusError } from "./core/errors.ts";
import type { FunctionVersion } from "./core/function.ts";
import type { ModuleStore } from "./functions/functions.ts";
import { grantedFiles, type Project } from "./functions/project.ts";
import type { Registry } from "./functions/registry.ts";
import type { Runtime } from "./runtime/runtime.ts";

export interface DeployTarget {
  readonly modules: ModuleStore;
  readonly runtime: Runtime;
  readonly registry: Registry;
}

export interface Deployed {
  /** New to the service, or in another version than before. */
  readonly changed: readonly FunctionVersion[];
  readonly removed: readonly string[];
}

/**
 * Puts a project into service: modules kept, compiled and warmed, then all functions exchanged in one
 * step. MODULE_INVALID, naming every function whose module cannot run: then nothing changes.
 */
export async function deploy(project: Project, target: DeployTarget): Promise<Deployed> {
  const { modules, runtime, registry } = target;
  const before = new Map(registry.list().map((version) => [version.name, version]));
  const changed = project.functions.filter(
    ({ name, version }) => before.get(name)?.version !== version,
  );
  const bytesOf = (fn: FunctionVersion) => project.modules.get(fn.moduleSha256)!;

  const faults: string[] = [];
  for (const fn of changed) {
    try {
      const { version, limits } = fn;
      const files = grantedFiles(project, fn);
      const sourceMap = project.sourceMaps.get(fn.moduleSha256);
      await runtime.load({
        version,
        bytes: bytesOf(fn),
        limits,
        files,
        ...(sourceMap === undefined ? {} : { sourceMap }),
      });
    } catch (error) {
      if (!(error instanceof NexusError) || error.code !== "MODULE_INVALID") throw error;
      faults.push(`function "${fn.name}" (${fn.code}): ${error.message}`);
    }
  }
  if (faults.length > 0) {
    for (const { version } of changed) runtime.unload(version);
    throw unusable(faults);
  }

  for (const fn of changed) await modules.put(bytesOf(fn));
  registry.replace(project.functions);
  const names = new Set(project.functions.map(({ name }) => name));
  return { changed, removed: [...before.keys()].filter((name) => !names.has(name)) };
}

function unusable(faults: readonly string[]): NexusError {
  return new NexusError("MODULE_INVALID", faults.join("\n"), { details: { faults } });
}
