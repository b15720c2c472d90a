import { NexusError } from "./core/errors.ts";
import type { FunctionVersion } from "./core/function.ts";
import type { ModuleStore, VersionArchive } from "./functions/functions.ts";
import { grantedFiles, type Project } from "./functions/project.ts";
import type { Registry } from "./functions/registry.ts";
import type { Runtime } from "./runtime/runtime.ts";

export interface DeployTarget {
  readonly modules: ModuleStore;
  readonly versions: VersionArchive;
  readonly runtime: Runtime;
  readonly registry: Registry;
}

export interface Deployed {
  /** New to the service, or in another version than before. */
  readonly changed: readonly FunctionVersion[];
  readonly removed: readonly string[];
}

/** Modules are compiled by V8's own threads and warmed up by guests', while others are read. */
const LOADS_AT_ONCE = 8;

/**
 * Puts a project into service: modules kept, compiled and warmed, then all functions exchanged in one
 * step. MODULE_INVALID, naming every function whose module cannot run: then nothing changes.
 */
export async function deploy(project: Project, target: DeployTarget): Promise<Deployed> {
  const { registry } = target;
  const before = new Map(registry.list().map((version) => [version.name, version]));
  const changed = project.functions.filter(
    ({ name, version }) => before.get(name)?.version !== version,
  );

  await loadAll(changed, project, target);
  registry.replace(project.functions);
  const names = new Set(project.functions.map(({ name }) => name));
  return { changed, removed: [...before.keys()].filter((name) => !names.has(name)) };
}

/**
 * Keeps, compiles and warms the modules of these functions of the project. MODULE_INVALID as `deploy`:
 * then none of them is loaded.
 */
export async function loadAll(
  functions: readonly FunctionVersion[],
  project: Project,
  { versions, runtime }: DeployTarget,
): Promise<void> {
  const faults: string[] = [];
  await eachOf(functions, async (fn) => {
    const fault = await load(fn, project, runtime);
    if (fault !== undefined) faults.push(fault);
  });
  if (faults.length > 0) {
    for (const { version } of functions) runtime.unload(version);
    throw unusable(faults.sort());
  }
  for (const fn of functions) {
    const module = project.modules.get(fn.moduleSha256)!;
    await versions.keep(fn, { module, files: grantedFiles(project, fn) });
  }
}

/** Some at a time. */
export async function eachOf<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const next = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: LOADS_AT_ONCE }, next));
}

/** Why it cannot be run; undefined: it can. */
async function load(
  fn: FunctionVersion,
  project: Project,
  runtime: Runtime,
): Promise<string | undefined> {
  const { version, limits, grants } = fn;
  const sourceMap = project.sourceMaps.get(fn.moduleSha256);
  try {
    await runtime.load({
      version,
      bytes: project.modules.get(fn.moduleSha256)!,
      limits,
      grants,
      files: grantedFiles(project, fn),
      ...(sourceMap === undefined ? {} : { sourceMap }),
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof NexusError) || error.code !== "MODULE_INVALID") throw error;
    return `function "${fn.name}" (${fn.code}): ${error.message}`;
  }
}

function unusable(faults: readonly string[]): NexusError {
  return new NexusError("MODULE_INVALID", faults.join("\n"), { details: { faults } });
}

/** How the project of this node comes into service. */
export interface Service {
  deploy(project: Project): Promise<Deployed>;
  /** Why not everything is in service that is to be. */
  lacking(): readonly string[];
  /** Keeps up with other nodes, until `signal` aborts. */
  follow(signal: AbortSignal): Promise<void>;
}

/** The service of a node that has no others. */
export function aloneService(target: DeployTarget): Service {
  return {
    deploy: (project) => deploy(project, target),
    lacking: () => [],
    follow: async () => undefined,
  };
}
