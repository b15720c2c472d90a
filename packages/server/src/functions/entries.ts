import { dirname, join, resolve } from "node:path";
import type { FunctionSettings, Trigger } from "../core/function.ts";
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
  readonly code?: ModuleRef;
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

export interface ModuleRef {
  readonly path: string;
  /** As the user wrote it. */
  readonly written: string;
  /** What follows in words from a fault of the module. */
  fault(message: string): Problem;
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
    problems: found.map(({ path, message }) => problem(path, message)),
    problem,
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
    problems,
    problem,
  };
}
