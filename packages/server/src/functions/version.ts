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
  const mounted = mounts.map(({ guest, sha256 }) => ({ guest, sha256 }));
  // Without mounts as it always was: a version keeps its name from one release to the next.
  const content = { settings, module: module.sha256, ...(mounts.length > 0 ? { mounted } : {}) };
  return deepFreeze({
    ...settings,
    ...(mounts.length > 0 ? { mounts } : {}),
    version: sha256(canonicalJson(content)),
    moduleSha256: module.sha256,
    moduleBytes: module.bytes,
    code: module.code,
    deployedAt,
  });
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
