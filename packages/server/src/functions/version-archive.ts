import { stat } from "node:fs/promises";
import { join } from "node:path";
import { NexusError } from "../core/errors.ts";
import type { FunctionSettings, FunctionVersion } from "../core/function.ts";
import { sha256 } from "../core/ids.ts";
import type { Mount, MountFacts } from "../core/mounts.ts";
import type { ArchivedVersion, KeptVersion, ModuleStore, VersionArchive } from "./functions.ts";
import { contentStore, moduleStore } from "./module-store.ts";
import { mountContent, mountIn } from "./mount-content.ts";
import { canonicalJson, functionVersion, versionContent } from "./version.ts";
import { moduleFault } from "./wasm-file.ts";

/** What names a version: the sha256 of this, as canonical JSON, is its name. */
interface Content {
  readonly settings: FunctionSettings;
  readonly module: string;
  readonly mounted?: readonly { readonly guest: string; readonly sha256: string }[];
}

/** Where the parts of a version are, each under its sha256. */
export interface VersionParts {
  module(sha256: string): Promise<Uint8Array | undefined>;
  mount(sha256: string): Promise<Uint8Array | undefined>;
}

/**
 * Versions in a folder beside the module store: each as `<version>.json`, which is the content that names
 * it, and its mounts as `<sha256>.mount`. Rejects as the module store does.
 */
export function versionArchive(dataDir: string, modules: ModuleStore): VersionArchive {
  const folder = join(dataDir, "versions");
  const contents = contentStore(folder, "json");
  const mounts = contentStore(folder, "mount");
  const parts: VersionParts = {
    module: (name) => modules.get(name),
    mount: (name) => mounts.get(name),
  };
  /** Kept by this process. */
  const kept = new Set<string>();

  return {
    async keep(version, { module, files }) {
      if (kept.has(version.version)) return;
      await modules.put(module);
      for (const { files: mounted } of files.mounts) await mounts.put(mountContent(mounted));
      await contents.put(Buffer.from(canonicalJson(versionContent(version))));
      kept.add(version.version);
    },

    async get(name) {
      const content = await contents.get(name);
      return content === undefined ? undefined : versionOf(content, parts);
    },

    async of(name) {
      const kept: KeptVersion[] = [];
      for (const version of await contents.list()) {
        const content = await contents.get(version);
        if (content === undefined) continue;
        const { settings, module } = JSON.parse(text(content)) as Content;
        if (settings.name !== name) continue;
        const { mtimeMs } = await stat(join(folder, `${version}.json`));
        kept.push({ version, moduleSha256: module, keptAt: mtimeMs });
      }
      return kept.sort((one, other) => one.keptAt - other.keptAt);
    },

    has: async (name) => (await contents.get(name)) !== undefined,

    hasModule: async (name) => (await modules.get(name)) !== undefined,

    async find(prefix) {
      const all = await contents.list();
      return all.filter((name) => name.startsWith(prefix));
    },

    async withModule(name, module) {
      const content = await contents.get(name);
      if (content === undefined) return undefined;
      const candidate = { ...(JSON.parse(text(content)) as Content), module };
      return versionOf(Buffer.from(canonicalJson(candidate)), parts);
    },

    async keepModule(bytes) {
      const fault = moduleFault(bytes);
      if (fault === undefined) return modules.put(bytes);
      throw new NexusError("CANDIDATE_INVALID", `Cannot keep module: it ${fault}`);
    },
  };
}

/** The version that this content names. VERSION_NOT_FOUND where a part of it is missing. */
export async function versionOf(
  content: Uint8Array,
  parts: VersionParts,
): Promise<ArchivedVersion> {
  const { settings, module: name, mounted = [] } = JSON.parse(text(content)) as Content;
  const module = await parts.module(name);
  if (module === undefined) throw missing(settings.name, `its module ${name} is not here`);
  const mounts: Mount[] = [];
  const mountBytes: Uint8Array[] = [];
  for (const { guest, sha256 } of mounted) {
    const bytes = await parts.mount(sha256);
    const files = bytes === undefined ? undefined : mountIn(bytes);
    if (files === undefined) throw missing(settings.name, `the files at ${guest} are not here`);
    mounts.push({ guest, files });
    mountBytes.push(bytes!);
  }
  const facts = mounted.map(({ guest, sha256 }): MountFacts => {
    return { guest, sha256, host: "", files: 0, bytes: 0 };
  });
  const version: FunctionVersion = functionVersion(
    settings,
    { sha256: name, bytes: module.length, code: "", mounts: facts },
    0,
  );
  const scratchBytes = settings.scratchBytes ?? 0;
  return { version, content, module, files: { mounts, scratchBytes }, mounts: mountBytes };
}

/** The parts that a data directory has. Each rejects as the module store does. */
export function partsIn(dataDir: string): VersionParts {
  const modules = moduleStore(join(dataDir, "modules"));
  const mounts = contentStore(join(dataDir, "versions"), "mount");
  return { module: (name) => modules.get(name), mount: (name) => mounts.get(name) };
}

/** The parts of a version that came with it, known by their hashes. */
export function partsAmong(all: readonly Uint8Array[]): VersionParts {
  const byName = new Map(all.map((bytes) => [sha256(bytes), bytes]));
  const get = (name: string) => Promise.resolve(byName.get(name));
  return { module: get, mount: get };
}

function missing(name: string, how: string): NexusError {
  return new NexusError("VERSION_NOT_FOUND", `Cannot run a version of "${name}" again: ${how}`);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
