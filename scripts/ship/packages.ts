import { chmodSync, cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const PACKAGES = ["client", "server", "cli"] as const;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly files: readonly string[];
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export function readManifest(root: string, name: string): Manifest {
  return JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as Manifest;
}

/**
 * Copies the built packages of the checkout at `root` to `packages/` in `into`, each with what its manifest lists, and
 * the licence beside them. Types and maps are left out: this is for running, not for writing programs on.
 */
export function collectPackages(root: string, into: string): void {
  mkdirSync(into, { recursive: true });
  cpSync(join(root, "LICENSE"), join(into, "LICENSE"));
  for (const name of PACKAGES) {
    const from = join(root, "packages", name);
    const to = join(into, "packages", name);
    mkdirSync(to, { recursive: true });
    for (const file of ["package.json", ...readManifest(root, name).files]) {
      cpSync(join(from, file), join(to, file), { recursive: true, filter: isRun });
    }
  }
  chmodSync(join(into, "packages/cli/bin/nexus.js"), 0o755);
}

function isRun(path: string): boolean {
  return !/(?:\/dist\/.*\.(?:d\.ts|map)|\.tsbuildinfo)$/.test(path);
}
