import { join, resolve } from "node:path";
import { NexusError } from "../core/errors.ts";
import type { FunctionVersion } from "../core/function.ts";
import { sha256 } from "../core/ids.ts";
import type { GrantedFiles, MountedFiles } from "../core/mounts.ts";
import type { NatsConfig } from "../core/nats.ts";
import type { PlatformSettings } from "../core/settings.ts";
import { conflicts, orderWarnings } from "./conflicts.ts";
import { directoryEntry, fileEntry, type Entry } from "./entries.ts";
import { SourceFiles, type FileContent, type WatchedFile } from "./files.ts";
import { findings } from "./issues.ts";
import { mountBudget, readMount, type ReadMount } from "./mounts.ts";
import { natsConfig } from "./nats.ts";
import { configInvalid, formatProblem, type Problem } from "./problems.ts";
import { outerSchema, type DefaultsConfig, type OuterConfig } from "./schema.ts";
import { platformSettings } from "./settings.ts";
import { functionVersion } from "./version.ts";
import { MAX_MODULE_BYTES, moduleIn, sourceMapOf } from "./wasm-file.ts";
import { parseYaml, type YamlFile } from "./yaml.ts";

/** Where a project is. At least one of the two is to be named, and what is named is to be there. */
export interface ProjectSource {
  readonly configFile?: string;
  readonly functionsDir?: string;
  /** What is served now: versions that did not change keep their identity. */
  readonly previous?: Project;
  /** In front of the platform's own NATS subjects, where it is not as the file says. */
  readonly natsPrefix?: string;
  /** Milliseconds since the Unix epoch: when what is new here was deployed. */
  readonly now?: () => number;
}

/** All that nexus.yaml and the functions directory say, checked. */
export interface Project {
  readonly platform: PlatformSettings;
  /** What the file says of NATS; absent where it says nothing. */
  readonly nats?: NatsConfig;
  /** In order of name. Frozen. */
  readonly functions: readonly FunctionVersion[];
  /** The modules' bytes by `moduleSha256`. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  /** The mounted files by their `sha256`. */
  readonly mounted: ReadonlyMap<string, MountedFiles>;
  /** Their source maps, of those that have one, by the same name. */
  readonly sourceMaps: ReadonlyMap<string, Uint8Array>;
  /** What was read, and what was looked for: for `watchProject`. */
  readonly files: readonly WatchedFile[];
  /** What is no fault and perhaps not meant. */
  readonly warnings: readonly string[];
}

/** The project of a node that has no files of its own. */
export function emptyProject(): Project {
  return {
    platform: platformSettings({}),
    functions: Object.freeze([]),
    modules: new Map(),
    mounted: new Map(),
    sourceMaps: new Map(),
    files: [],
    warnings: [],
  };
}

/** What of files a function of the project is given. */
export function grantedFiles(project: Project, fn: FunctionVersion): GrantedFiles {
  const mounts = (fn.mounts ?? []).map(({ guest, sha256 }) => ({
    guest,
    files: project.mounted.get(sha256)!,
  }));
  return { mounts, scratchBytes: fn.scratchBytes ?? 0 };
}

const MAX_CONFIG_BYTES = 16 * 1024 * 1024;

/**
 * Reads a project. Rejects with CONFIG_INVALID, with every problem there is in its message and in
 * `details.problems`, and with CONFIG_NOT_FOUND where a source is not there; `details.files` of both
 * is what to watch for the repair.
 */
export async function loadProject(source: ProjectSource): Promise<Project> {
  const files = new SourceFiles();
  const config = await readConfigFile(source, files);
  const folder =
    source.functionsDir === undefined ? undefined : await files.list(source.functionsDir);
  checkFound(source, { config: config !== undefined, folder: folder !== undefined }, files);

  const problems: Problem[] = [...(config?.problems ?? [])];
  const warnings: Problem[] = [...(config?.warnings ?? [])];
  const outer = config?.value === undefined ? {} : checkOuter(config, problems);
  const defaults = outer.defaults ?? {};
  const entries: Entry[] = (outer.functions ?? []).map((value, index) =>
    fileEntry(config!, index, value, defaults),
  );
  if (folder !== undefined) {
    entries.push(...(await readFolder(source, folder, files, { defaults, warnings })));
  }
  problems.push(
    ...entries.flatMap((entry) => entry.problems),
    ...conflicts(entries, source.natsPrefix ?? outer.nats?.prefix),
  );
  const loaded = await readModules(entries, files, problems);
  const mounts = await readMounts(entries, files, problems);
  if (problems.length > 0) throw configInvalid(problems, files.seen);

  const functions = versions(entries, { loaded, mounts }, source);
  warnings.push(...entries.flatMap(orderWarnings));
  if (functions.length === 0) warnings.push(nothingToRun(source));
  return {
    platform: platformSettings(outer),
    ...(outer.nats === undefined ? {} : { nats: natsConfig(outer.nats, source.configFile!) }),
    functions,
    modules: new Map([...loaded.values()].map((module) => [module.sha256, module.bytes])),
    mounted: new Map([...mounts.values()].flat().map((mount) => [mount.sha256, mount.files])),
    sourceMaps: new Map(
      [...loaded.values()].flatMap(({ sha256, sourceMap }) =>
        sourceMap === undefined ? [] : [[sha256, sourceMap]],
      ),
    ),
    files: files.seen,
    warnings: warnings.map(formatProblem),
  };
}

/** What a nexus.yaml says of NATS; undefined where it says nothing. CONFIG_NOT_FOUND, CONFIG_INVALID. */
export async function loadNatsConfig(configFile: string): Promise<NatsConfig | undefined> {
  const files = new SourceFiles();
  const config = await readConfigFile({ configFile }, files);
  checkFound({ configFile }, { config: config !== undefined, folder: false }, files);
  const problems: Problem[] = [...config!.problems];
  const outer = config!.value === undefined ? {} : checkOuter(config!, problems);
  if (problems.length > 0) throw configInvalid(problems, files.seen);
  return outer.nats === undefined ? undefined : natsConfig(outer.nats, configFile);
}

async function readConfigFile(
  { configFile }: ProjectSource,
  files: SourceFiles,
): Promise<YamlFile | undefined> {
  if (configFile === undefined) return undefined;
  const content = await files.read(configFile, MAX_CONFIG_BYTES);
  if (content.kind === "missing") return undefined;
  const yaml = yamlIn(configFile, content);
  return yaml.value === null
    ? {
        ...yaml,
        value: undefined,
        problems: [yaml.problem([], 'the file is empty (begin with "version: v1")')],
      }
    : yaml;
}

function yamlIn(file: string, content: FileContent): YamlFile {
  if (content.kind === "bytes") return parseYaml(file, content.bytes);
  const problem = (path: readonly PropertyKey[], message: string): Problem => ({
    file,
    path: path.join("."),
    message,
  });
  return {
    file,
    value: undefined,
    problems: [problem([], unreadable(content))],
    warnings: [],
    problem,
  };
}

function unreadable(content: Exclude<FileContent, { kind: "bytes" }>): string {
  return content.kind === "unreadable"
    ? `the file cannot be read: ${content.reason}`
    : NO_TEXT[content.kind];
}

const NO_TEXT = {
  missing: "the file does not exist",
  directory: "this is a folder, not a file",
  special: "this is not a regular file",
  too_large: `the file is larger than ${MAX_CONFIG_BYTES / 1024 / 1024} MiB`,
} as const satisfies Partial<Record<FileContent["kind"], string>>;

function checkFound(
  { configFile, functionsDir }: ProjectSource,
  found: { readonly config: boolean; readonly folder: boolean },
  files: SourceFiles,
): void {
  const missing = [];
  if (configFile !== undefined && !found.config) {
    missing.push(`the file "${configFile}" does not exist`);
  }
  if (functionsDir !== undefined && !found.folder) {
    missing.push(`the folder "${functionsDir}" does not exist`);
  }
  if (configFile === undefined && functionsDir === undefined) {
    missing.push("neither a file nor a folder is named");
  }
  if (missing.length === 0) return;
  throw new NexusError("CONFIG_NOT_FOUND", `Cannot load configuration: ${missing.join(", and ")}`, {
    details: { files: files.seen },
  });
}

/** The file but for its functions; what has a fault is left out, and the fault added to `problems`. */
function checkOuter(config: YamlFile, problems: Problem[]): Partial<OuterConfig> {
  const found = findings(outerSchema, config.value);
  problems.push(...found.map(({ path, message }) => config.problem(path, message)));
  if (typeof config.value !== "object" || Array.isArray(config.value)) return {};
  const faulty = new Set(found.map(({ path }) => path[0]));
  const sound = Object.entries(config.value as object).filter(([key]) => !faulty.has(key));
  return Object.fromEntries(sound);
}

async function readFolder(
  { configFile, functionsDir }: ProjectSource,
  names: readonly string[],
  files: SourceFiles,
  { defaults, warnings }: { readonly defaults: DefaultsConfig; readonly warnings: Problem[] },
): Promise<Entry[]> {
  const folder = functionsDir!;
  const entries: Entry[] = [];
  const there = new Set(names);
  for (const name of names) {
    const file = join(folder, name);
    const [, stem, extension] = /^(.*)\.(wasm|ya?ml)$/.exec(name)!;
    if (extension === "wasm") {
      const sidecar = there.has(`${stem!}.yaml`)
        ? await readSidecar(join(folder, `${stem!}.yaml`), files)
        : undefined;
      warnings.push(...(sidecar?.warnings ?? []));
      entries.push(directoryEntry(folder, stem!, sidecar, defaults));
    } else if (configFile !== undefined && resolve(file) === resolve(configFile)) {
      continue;
    } else if (extension === "yml") {
      warnings.push({ file, path: "", message: `is not read (name it ${stem!}.yaml)` });
    } else if (!there.has(`${stem!}.wasm`)) {
      warnings.push({
        file,
        path: "",
        message: `is not read: there is no ${stem!}.wasm beside it`,
      });
    }
  }
  return entries;
}

async function readSidecar(file: string, files: SourceFiles): Promise<YamlFile> {
  return yamlIn(file, await files.read(file, MAX_CONFIG_BYTES));
}

interface LoadedModule {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly sourceMap: Uint8Array | undefined;
}

const READS_AT_ONCE = 32;

/** Each module once, by path, however many functions share it. */
async function readModules(
  entries: readonly Entry[],
  files: SourceFiles,
  problems: Problem[],
): Promise<ReadonlyMap<string, LoadedModule>> {
  const paths = [
    ...new Set(entries.flatMap(({ code }) => (code === undefined ? [] : [code.path]))),
  ];
  const loaded = new Map<string, LoadedModule>();
  const faults = new Map<string, string>();
  const next = paths.values();
  const readNext = async (): Promise<void> => {
    for (const path of next) {
      const module = moduleIn(await files.read(path, MAX_MODULE_BYTES));
      if (typeof module === "string") {
        faults.set(path, module);
        continue;
      }
      const sourceMap = await sourceMapOf(path, module, files);
      loaded.set(path, { bytes: module, sha256: sha256(module), sourceMap });
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, readNext));
  for (const { code } of entries) {
    const fault = code === undefined ? undefined : faults.get(code.path);
    if (fault !== undefined) problems.push(code!.fault(fault));
  }
  return loaded;
}

/** The mounts of each entry, in their order; a fault is added to `problems`. */
async function readMounts(
  entries: readonly Entry[],
  files: SourceFiles,
  problems: Problem[],
): Promise<ReadonlyMap<Entry, readonly ReadMount[]>> {
  const mounts = new Map<Entry, readonly ReadMount[]>();
  for (const entry of entries) {
    const budget = mountBudget();
    const read: ReadMount[] = [];
    for (const mount of entry.mounts) {
      const found = await readMount(mount.path, files, budget);
      if (typeof found === "string") problems.push(mount.fault(found));
      else read.push(found);
    }
    mounts.set(entry, read);
  }
  return mounts;
}

interface Read {
  readonly loaded: ReadonlyMap<string, LoadedModule>;
  readonly mounts: ReadonlyMap<Entry, readonly ReadMount[]>;
}

function versions(
  entries: readonly Entry[],
  { loaded, mounts }: Read,
  { previous, now = Date.now }: ProjectSource,
): readonly FunctionVersion[] {
  const before = new Map(previous?.functions.map((version) => [version.name, version]));
  const deployedAt = now();
  const functions = entries.map((entry) => {
    const { settings, code } = entry;
    const { sha256, bytes } = loaded.get(code!.path)!;
    const mounted = mounts.get(entry)!.map(({ sha256, count, bytes }, index) => {
      const { guest, written } = entry.mounts[index]!;
      return { guest, host: written, sha256, files: count, bytes };
    });
    const module = { sha256, bytes: bytes.length, code: code!.written, mounts: mounted };
    const version = functionVersion(settings!, module, deployedAt);
    const old = before.get(version.name);
    return old?.version === version.version && old.code === version.code ? old : version;
  });
  return Object.freeze(functions.sort((a, b) => (a.name < b.name ? -1 : 1)));
}

function nothingToRun({ configFile, functionsDir }: ProjectSource): Problem {
  return {
    file: configFile ?? functionsDir!,
    path: "",
    message: "there is no function: events are kept, and nothing runs",
  };
}
