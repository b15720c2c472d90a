import { join } from "node:path";
import { NexusError } from "../core/errors.ts";
import type { FunctionSettings, FunctionVersion } from "../core/function.ts";
import type { GrantedFiles, Mount, MountFacts } from "../core/mounts.ts";
import type { ArchivedVersion, ModuleStore, VersionArchive } from "./functions.ts";
import { contentStore } from "./module-store.ts";
import { mountContent, mountIn } from "./mount-content.ts";
import { canonicalJson, functionVersion, versionContent } from "./version.ts";

/** What names a version: the sha256 of this, as canonical JSON, is its name. */
interface Content {
  readonly settings: FunctionSettings;
  readonly module: string;
  readonly mounted?: readonly { readonly guest: string; readonly sha256: string }[];
}

/**
 * Versions in a folder beside the module store: each as `<version>.json`, which is the content that names
 * it, and its mounts as `<sha256>.mount`. Rejects as the module store does.
 */
export function versionArchive(dataDir: string, modules: ModuleStore): VersionArchive {
  const folder = join(dataDir, "versions");
  const settings = contentStore(folder, "json");
  const mounts = contentStore(folder, "mount");
  /** Kept by this process. */
  const kept = new Set<string>();

  async function mountOf(facts: {
    readonly guest: string;
    readonly sha256: string;
  }): Promise<Mount> {
    const bytes = await mounts.get(facts.sha256);
    const files = bytes === undefined ? undefined : mountIn(bytes);
    if (files !== undefined) return { guest: facts.guest, files };
    throw new NexusError(
      "VERSION_NOT_FOUND",
      `Cannot run the version again: the files it had at ${facts.guest} are not kept here`,
    );
  }

  return {
    async keep(version, { module, files }) {
      if (kept.has(version.version)) return;
      await modules.put(module);
      for (const { files: mounted } of files.mounts) await mounts.put(mountContent(mounted));
      await settings.put(Buffer.from(canonicalJson(versionContent(version))));
      kept.add(version.version);
    },

    async get(name): Promise<ArchivedVersion | undefined> {
      const bytes = await settings.get(name);
      if (bytes === undefined) return undefined;
      const content = JSON.parse(Buffer.from(bytes).toString()) as Content;
      const module = await modules.get(content.module);
      if (module === undefined) return undefined;
      const version = versionOf(content, module.length);
      const files: GrantedFiles = {
        mounts: await Promise.all((content.mounted ?? []).map(mountOf)),
        scratchBytes: content.settings.scratchBytes ?? 0,
      };
      return { version, module, files };
    },
  };
}

function versionOf({ settings, module, mounted = [] }: Content, bytes: number): FunctionVersion {
  const mounts: readonly MountFacts[] = mounted.map(({ guest, sha256 }) => ({
    guest,
    sha256,
    host: "",
    files: 0,
    bytes: 0,
  }));
  return functionVersion(settings, { sha256: module, bytes, code: "", mounts }, 0);
}
