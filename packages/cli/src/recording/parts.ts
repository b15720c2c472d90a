import { existsSync } from "node:fs";
import { readConfig } from "@nexus-functions/server/config";
import { NexusError } from "@nexus-functions/server/core/errors";
import { sha256 } from "@nexus-functions/server/core/ids";
import type { RecordingFile } from "@nexus-functions/server/core/recording-file";
import type { ArchivedVersion } from "@nexus-functions/server/functions/functions";
import type { VersionParts } from "@nexus-functions/server/functions/version-archive";
import { CliError, type Cli } from "../cli.ts";
import { readModule } from "../invoke/module.ts";
import { readProject } from "../project.ts";
import { unusable } from "./file.ts";

export interface PartsOptions {
  /** The module, where the file has none. */
  readonly module?: string;
  readonly config?: string;
  readonly dataDir?: string;
}

/**
 * The version that a recording ran on, with its module and its mounts: those in the file, else the module
 * that `--module` names, else what the data directory or the project has under its hash.
 */
export async function versionIn(
  cli: Cli,
  path: string,
  file: RecordingFile,
  options: PartsOptions,
): Promise<ArchivedVersion> {
  const { partsAmong, versionOf } =
    await import("@nexus-functions/server/functions/version-archive");
  const { module: wanted } = partsNamedBy(file);
  const given = options.module === undefined ? undefined : await readModule(options.module);
  if (given !== undefined && sha256(given.module) !== wanted) {
    throw new CliError(
      `Cannot run "${path}" with "${options.module}": that has the sha256 ${sha256(given.module)}, and it ran on ${wanted}`,
      { exitCode: 2 },
    );
  }
  const own = [file.module, given?.module, ...(file.mounts ?? [])];
  const places: readonly VersionParts[] = [
    partsAmong(own.filter((bytes) => bytes !== undefined)),
    await dataDirParts(cli, options),
    projectParts(cli, options),
  ];
  return unusable(
    () =>
      versionOf(file.version, {
        module: (name) => firstOf(places, (place) => place.module(name)),
        mount: (name) => firstOf(places, (place) => place.mount(name)),
      }),
    "Name the module with --module, or export the recording again --with-module; it is also looked for in nexus.yaml's modules and in the data directory (NEXUS_DATA_DIR).",
  );
}

/** What it ran on, by sha256. */
export interface NamedParts {
  readonly module: string;
  readonly mounted: readonly { readonly guest: string; readonly sha256: string }[];
}

export function partsNamedBy({ version }: Pick<RecordingFile, "version">): NamedParts {
  const content = JSON.parse(new TextDecoder().decode(version)) as Partial<NamedParts>;
  return { module: content.module!, mounted: content.mounted ?? [] };
}

async function dataDirParts(cli: Cli, { config, dataDir }: PartsOptions): Promise<VersionParts> {
  const { partsIn } = await import("@nexus-functions/server/functions/version-archive");
  const found = await unusable(() =>
    readConfig(cli.env, { configFile: config, dataDir }, existsSync),
  );
  return partsIn(found.dataDir);
}

/** Read when something is looked for there: most recordings have all they need before. */
function projectParts(cli: Cli, { config }: PartsOptions): VersionParts {
  let reading: Promise<VersionParts> | undefined;
  const parts = () => (reading ??= readParts());
  return {
    module: async (name) => (await parts()).module(name),
    mount: async (name) => (await parts()).mount(name),
  };

  async function readParts(): Promise<VersionParts> {
    const { mountContent } = await import("@nexus-functions/server/functions/mount-content");
    try {
      const { modules, mounted } = await readProject(cli, config === undefined ? {} : { config });
      return {
        module: (name) => Promise.resolve(modules.get(name)),
        async mount(name) {
          const files = mounted.get(name);
          return files === undefined ? undefined : mountContent(files);
        },
      };
    } catch (error) {
      // A recording needs no project: one that is not there, or has a fault, has nothing for it.
      if (!(error instanceof NexusError)) throw error;
      return { module: async () => undefined, mount: async () => undefined };
    }
  }
}

async function firstOf<T, Found>(
  places: readonly T[],
  look: (place: T) => Promise<Found | undefined>,
): Promise<Found | undefined> {
  for (const place of places) {
    const found = await look(place);
    if (found !== undefined) return found;
  }
  return undefined;
}
