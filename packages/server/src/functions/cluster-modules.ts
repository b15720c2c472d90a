import type { ModuleStore } from "./functions.ts";
import type { SharedVersions } from "./shared.ts";

/**
 * The modules of this machine and those of the versions that the cluster serves, which this machine need
 * never have served. Rejects as both do.
 */
export function clusterModules(
  local: ModuleStore,
  shared: SharedVersions,
): Pick<ModuleStore, "get" | "list"> {
  return {
    async list() {
      const functions = await shared.list();
      const served = functions.flatMap(({ state }) =>
        state.kind === "deployed" ? [state.version.moduleSha256] : [],
      );
      return [...new Set([...(await local.list()), ...served])].sort();
    },
    get: async (name) => (await local.get(name)) ?? (await shared.getContent(name)),
  };
}
