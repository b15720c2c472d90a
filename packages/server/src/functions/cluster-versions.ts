import { NexusError } from "../core/errors.ts";
import type { ArchivedVersion, VersionArchive } from "./functions.ts";
import type { SharedVersions } from "./shared.ts";
import { versionOf } from "./version-archive.ts";

/**
 * The versions of this machine and those that the cluster has served, which this machine need never have
 * had: what is missing here is fetched, and kept. A module that is kept here is there for all nodes. What
 * is listed is what this machine has. Rejects as both do.
 */
export function clusterVersions(local: VersionArchive, shared: SharedVersions): VersionArchive {
  const content = async (sha256: string): Promise<Uint8Array | undefined> => {
    try {
      return await shared.getContent(sha256);
    } catch (error) {
      if (error instanceof NexusError && error.code === "MODULE_INVALID") return undefined;
      throw error;
    }
  };

  async function fetched(version: string): Promise<ArchivedVersion | undefined> {
    const named = await content(version);
    if (named === undefined) return undefined;
    const archived = await versionOf(named, { module: content, mount: content });
    await local.keep(archived.version, archived);
    return archived;
  }

  async function hasModule(sha256: string): Promise<boolean> {
    if (await local.hasModule(sha256)) return true;
    const bytes = await content(sha256);
    if (bytes === undefined) return false;
    await local.keepModule(bytes);
    return true;
  }

  const has = async (version: string): Promise<boolean> =>
    (await local.has(version)) || (await fetched(version)) !== undefined;

  return {
    ...local,
    has,
    hasModule,
    get: async (version) => (await local.get(version)) ?? (await fetched(version)),
    async withModule(version, sha256) {
      if (!(await has(version))) return undefined;
      await hasModule(sha256);
      return local.withModule(version, sha256);
    },
    async keepModule(bytes) {
      const sha256 = await local.keepModule(bytes);
      await shared.putContent({ sha256, bytes: () => bytes });
      return sha256;
    },
  };
}
