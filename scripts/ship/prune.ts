// Takes out of installed dependencies what no program reads: types, maps, sources, prebuilds for another Node.
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** For compilers, debuggers and readers. */
const UNREAD = /\.(?:map|[cm]?ts|flow|md|markdown)$/;
const LICENCE = /^(?:licen[cs]e|notice|copying)/i;
// A prebuild by Node's ABI number is for one old Node; the one by Node-API is for all.
const PREBUILD_BY_ABI = /^node\.abi\d+\b.*\.node$/;
const PREBUILD_MUSL = /^node\.\w+\.musl\.node$/;
/** Of single packages: sources that were compiled, builds for browsers, tests. */
const NEEDLESS: readonly string[] = [
  "zod/src",
  "lmdb/dependencies",
  "lmdb/src",
  "bintrees/test",
  "bintrees/examples",
  "yaml/browser",
  "node-addon-api",
  ".bin",
];
/** Their CommonJS builds: all that loads these packages are modules. The API itself is required by prom-client. */
const NEEDLESS_COMMONJS = /\/@opentelemetry\/(?!api\/).*\.cjs$/;

/** Resolves nothing that a program loads is gone; licences stay. Returns how many bytes went. */
export function prune(modules: string): number {
  let bytes = 0;
  const remove = (path: string): void => {
    bytes += sizeOf(path);
    rmSync(path, { recursive: true });
  };
  for (const name of NEEDLESS) {
    const path = join(modules, name);
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) remove(path);
  }
  for (const entry of readdirSync(modules, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && isNeedless(path, entry.name)) remove(path);
  }
  return bytes;
}

function isNeedless(path: string, name: string): boolean {
  if (LICENCE.test(name)) return false;
  return (
    UNREAD.test(name) ||
    PREBUILD_BY_ABI.test(name) ||
    PREBUILD_MUSL.test(name) ||
    NEEDLESS_COMMONJS.test(path)
  );
}

function sizeOf(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
