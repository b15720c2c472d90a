import type { FunctionSettings, FunctionVersion } from "../core/function.ts";
import { sha256 } from "../core/ids.ts";
import type { MountFacts } from "../core/mounts.ts";

/** The module of a version, and how it came. */
export interface ModuleFacts {
  readonly sha256: string;
  readonly bytes: number;
  /** As the user wrote it. */
  readonly code: string;
  /** What is mounted beside it. */
  readonly mounts?: readonly MountFacts[];
}

/**
 * Names a version by its content: the settings, the module and the mounted files. Where these lie and
 * when it was deployed is no part of it.
 */
export function functionVersion(
  settings: FunctionSettings,
  module: ModuleFacts,
  deployedAt: number,
): FunctionVersion {
  const { mounts = [] } = module;
  return deepFreeze({
    ...settings,
    ...(mounts.length > 0 ? { mounts } : {}),
    version: sha256(canonicalJson(contentOf(settings, module.sha256, mounts))),
    moduleSha256: module.sha256,
    moduleBytes: module.bytes,
    code: module.code,
    deployedAt,
  });
}

/** What the name of a version is the sha256 of, as canonical JSON. */
export function versionContent(version: FunctionVersion): unknown {
  const { version: _, moduleSha256, moduleBytes: _bytes, mounts, ...rest } = version;
  const { code: _code, deployedAt: _at, ...settings } = rest;
  return contentOf(settings, moduleSha256, mounts ?? []);
}

function contentOf(
  settings: FunctionSettings,
  module: string,
  mounts: readonly MountFacts[],
): unknown {
  const mounted = mounts.map(({ guest, sha256 }) => ({ guest, sha256 }));
  // Without mounts as it always was: a version keeps its name from one release to the next.
  return { settings, module, ...(mounts.length > 0 ? { mounted } : {}) };
}

/** JSON with the keys of every object in order of their UTF-16 code units; `undefined` members are left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
