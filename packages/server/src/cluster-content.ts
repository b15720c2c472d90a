import { NexusError } from "./core/errors.ts";
import type { FunctionVersion } from "./core/function.ts";
import { sha256 } from "./core/ids.ts";
import type { GrantedFiles, Mount, MountedFiles, MountFacts } from "./core/mounts.ts";
import type { ModuleStore } from "./functions/functions.ts";
import { mountContent, mountIn } from "./functions/mount-content.ts";
import type { Project } from "./functions/project.ts";
import type { Deployment, SharedContent, SharedVersions } from "./functions/shared.ts";
import type { LoadableModule } from "./runtime/runtime.ts";

/** What a function of the project is to other nodes, and all that they need to run it. */
export interface Parcel {
  readonly deployment: Deployment;
  readonly contents: readonly SharedContent[];
}

export function parcelOf(version: FunctionVersion, project: Project): Parcel {
  const { moduleSha256, mounts = [] } = version;
  const sourceMap = project.sourceMaps.get(moduleSha256);
  const map =
    sourceMap === undefined ? undefined : { sha256: sha256(sourceMap), bytes: () => sourceMap };
  return {
    deployment: {
      kind: "deployed",
      version,
      ...(map === undefined ? {} : { sourceMapSha256: map.sha256 }),
    },
    contents: [
      { sha256: moduleSha256, bytes: () => project.modules.get(moduleSha256)! },
      ...(map === undefined ? [] : [map]),
      ...mounts.map(({ sha256 }) => ({
        sha256,
        bytes: () => mountContent(project.mounted.get(sha256)!),
      })),
    ],
  };
}

export interface Sources {
  /** What this node has in its own files. */
  readonly own: Project;
  readonly modules: ModuleStore;
  readonly shared: SharedVersions;
}

/**
 * All that a deployment needs to be loaded, from wherever it is nearest; its module is kept on this node
 * then. MODULE_INVALID where a part is missing or damaged, LOG_UNAVAILABLE, and as `ModuleStore.put`.
 */
export async function gather(
  deployment: Deployment,
  sources: Sources,
): Promise<LoadableModule & { readonly files: GrantedFiles }> {
  const { version, sourceMapSha256 } = deployment;
  const { shared, modules } = sources;
  const bytes = await moduleOf(version.moduleSha256, sources);
  const mounts: Mount[] = [];
  for (const facts of version.mounts ?? []) {
    mounts.push({ guest: facts.guest, files: await mountOf(facts, sources) });
  }
  const sourceMap =
    sourceMapSha256 === undefined ? undefined : await shared.getContent(sourceMapSha256);
  await modules.put(bytes);
  return {
    version: version.version,
    bytes,
    limits: version.limits,
    grants: version.grants,
    files: { mounts, scratchBytes: version.scratchBytes ?? 0 },
    ...(sourceMap === undefined ? {} : { sourceMap }),
  };
}

async function moduleOf(name: string, { own, modules, shared }: Sources): Promise<Uint8Array> {
  return own.modules.get(name) ?? (await kept(modules, name)) ?? (await shared.getContent(name));
}

/** Damaged on this node's disk, it is fetched again, which mends it. */
async function kept(modules: ModuleStore, name: string): Promise<Uint8Array | undefined> {
  try {
    return await modules.get(name);
  } catch (error) {
    if (error instanceof NexusError) return undefined;
    throw error;
  }
}

async function mountOf(
  { sha256, host }: MountFacts,
  { own, shared }: Sources,
): Promise<MountedFiles> {
  const files = own.mounted.get(sha256) ?? mountIn(await shared.getContent(sha256));
  if (files !== undefined) return files;
  throw new NexusError("MODULE_INVALID", `Cannot mount "${host}" from the cluster: it is no mount`);
}
