import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Manifest } from "./manifest.ts";

/** The file of that name in the one ConfigMap that has it. */
export function configFile(manifests: readonly Manifest[], name: string): string {
  const found = manifests.filter(({ kind, data }) => kind === "ConfigMap" && name in (data ?? {}));
  if (found.length !== 1) {
    throw new Error(`Cannot find "${name}": ${found.length} ConfigMaps have it`);
  }
  return found[0]!.data![name]!;
}

/** Runs with a folder that has these files, and removes it. */
export async function inFolder(
  files: Readonly<Record<string, string>>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "nexus-manifests-"));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The servers that no Service, and no pod of a StatefulSet behind its headless Service, answers for. */
export function addressProblems(
  manifests: readonly Manifest[],
  servers: readonly string[],
): string[] {
  if (servers.length === 0) return ["no server is named"];
  const known = new Set<string>();
  for (const { kind, metadata, spec } of manifests) {
    if (kind !== "Service") continue;
    const { ports } = spec as { readonly ports: readonly { readonly port: number }[] };
    for (const { port } of ports) {
      known.add(`${metadata.name}:${port}`);
      for (const pod of podsBehind(manifests, metadata.name)) {
        known.add(`${pod}.${metadata.name}:${port}`);
      }
    }
  }
  return servers.filter((server) => !known.has(new URL(server).host));
}

function podsBehind(manifests: readonly Manifest[], service: string): string[] {
  return manifests.flatMap(({ kind, metadata, spec }) => {
    if (kind !== "StatefulSet") return [];
    const { serviceName, replicas = 1 } = spec as {
      readonly serviceName?: string;
      readonly replicas?: number;
    };
    if (serviceName !== service) return [];
    return Array.from({ length: replicas }, (_, ordinal) => `${metadata.name}-${ordinal}`);
  });
}
