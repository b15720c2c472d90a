import { dirname, join, resolve } from "node:path";
import type { FunctionSettings, Trigger } from "../core/function.ts";
import { parseSize } from "../core/quantity.ts";
import { clashes } from "./guest-path.ts";
import { pathFault } from "./http-path.ts";
import { findings } from "./issues.ts";
import { quote, type Problem } from "./problems.ts";
import {
  functionSchema,
  nameFault,
  sidecarSchema,
  type DefaultsConfig,
  type FunctionConfig,
  type SidecarConfig,
} from "./schema.ts";
import { functionSettings, impliedTriggers, triggersOf } from "./settings.ts";
import { onSchema } from "./triggers.ts";
import type { YamlFile } from "./yaml.ts";

/**
 * A function as it is written somewhere: what could be read of it, each part by itself, so that a
 * fault in one does not hide another's.
 */
export interface Entry {
  readonly name?: string;
  readonly triggers: readonly WrittenTrigger[];
  readonly code?: SourceRef;
  readonly mounts: readonly MountRef[];
  /** Absent where a setting has a fault. */
  readonly settings?: FunctionSettings;
  readonly problems: readonly Problem[];
  problem(path: readonly PropertyKey[], message: string): Problem;
}

export interface WrittenTrigger {
  readonly trigger: Trigger;
  /** Inside the entry. */
  readonly path: readonly PropertyKey[];
}

/** A module or a directory that an entry names. */
export interface SourceRef {
  readonly path: string;
  /** As the user wrote it. */
  readonly written: string;
  /** What follows in words from a fault of what is there. */
  fault(message: string): Problem;
}

export interface MountRef extends SourceRef {
  readonly guest: string;
}

/** The entry at `functions[index]` of nexus.yaml. */
export function fileEntry(
  yaml: YamlFile,
  index: number,
  value: unknown,
  defaults: DefaultsConfig,
): Entry {
  const problem = (path: readonly PropertyKey[], message: string): Problem =>
    yaml.problem(["functions", index, ...path], message);
  const found = findings(functionSchema, value);
  const parts = (typeof value === "object" ? value : null) as Record<string, unknown> | null;
  const on = onSchema.safeParse(parts?.["on"]).data;
  const triggers = on === undefined ? [] : triggersOf(on);
  const { name, code } = parts ?? {};
  return {
    ...(typeof name === "string" && nameFault(name) === undefined ? { name } : {}),
    triggers: triggers.map((trigger, at) => ({
      trigger,
      path: ["on", ...(Array.isArray(on) ? [at] : []), trigger.kind],
    })),
    ...(typeof code === "string" && !found.some(({ path }) => path[0] === "code")
      ? {
          code: {
            path: resolve(dirname(yaml.file), code),
            written: code,
            fault: (message) => problem(["code"], `${quote(code)} ${message}`),
          },
        }
      : {}),
    ...(found.length === 0
      ? {
          settings: functionSettings(
            (value as FunctionConfig).name,
            triggers,
            value as FunctionConfig,
            defaults,
          ),
        }
      : {}),
    ...mountsOf(found.length === 0 ? (value as FunctionConfig) : {}, defaults, {
      file: yaml.file,
      problem,
      problems: found.map(({ path, message }) => problem(path, message)),
    }),
    problem,
  };
}

/** The mounts of an entry without other problems; and those they have. */
function mountsOf(
  { mounts = [], scratch }: Pick<SidecarConfig, "mounts" | "scratch">,
  defaults: DefaultsConfig,
  entry: Pick<Entry, "problem" | "problems"> & { readonly file: string },
): Pick<Entry, "mounts" | "problems"> {
  const size = scratch ?? defaults.scratch ?? 0;
  const hasScratch = (typeof size === "number" ? size : parseSize(size)) !== 0;
  const guests = mounts.map(({ guest }) => guest);
  const clashing = clashes(guests, hasScratch).map(({ index, message }) =>
    entry.problem(["mounts", index, "guest"], `${quote(guests[index]!)} ${message}`),
  );
  return {
    mounts: mounts.map(({ host, guest }, index) => ({
      path: resolve(dirname(entry.file), host),
      written: host,
      guest,
      fault: (message) => entry.problem(["mounts", index, "host"], `${quote(host)} ${message}`),
    })),
    problems: [...entry.problems, ...clashing],
  };
}

/** The entry of `<folder>/<name>.wasm`, with what its `<name>.yaml` says if there is one. */
export function directoryEntry(
  folder: string,
  name: string,
  sidecar: YamlFile | undefined,
  defaults: DefaultsConfig,
): Entry {
  const file = join(folder, `${name}.wasm`);
  const value = sidecar?.value ?? {}; // an empty file says nothing
  const found = sidecar?.value === undefined ? [] : findings(sidecarSchema, value);
  const own = (found.length === 0 ? value : {}) as SidecarConfig;
  const triggers = own.on === undefined ? impliedTriggers(name) : triggersOf(own.on);
  const atModule = (message: string): Problem => ({ file, path: "", message });
  // Only triggers can be at odds with another function's and stand in the sidecar.
  const problem = (path: readonly PropertyKey[], message: string): Problem =>
    sidecar !== undefined && path[0] === "on" && own.on !== undefined
      ? sidecar.problem(path, message)
      : atModule(message);

  const problems = [
    ...(sidecar?.problems ?? []),
    ...found.map(({ path, message }) => sidecar!.problem(path, message)),
  ];
  const badName = nameFault(name);
  if (badName !== undefined) problems.push(atModule(`${quote(name)} ${badName}`));
  const implied = own.on === undefined && found.length === 0 ? pathFault(`/${name}`) : undefined;
  if (badName === undefined && implied !== undefined) {
    const remedy = `write "on:" in ${name}.yaml, or rename it`;
    problems.push(
      atModule(`its path ${quote(`/${name}`)} ${implied.replace(/ \(.*\)$/, "")} (${remedy})`),
    );
  }
  return {
    name,
    triggers: triggers.map((trigger, at) => ({
      trigger,
      path: ["on", ...(Array.isArray(own.on) ? [at] : []), trigger.kind],
    })),
    code: { path: resolve(file), written: file, fault: atModule },
    ...(problems.length === 0 ? { settings: functionSettings(name, triggers, own, defaults) } : {}),
    ...mountsOf(own, defaults, {
      file: sidecar?.file ?? file,
      problems,
      problem: (path, message) => sidecar!.problem(path, message),
    }),
    problem,
  };
}
