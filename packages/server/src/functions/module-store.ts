import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { NexusError } from "../core/errors.ts";
import { sha256 } from "../core/ids.ts";
import type { ModuleStore } from "./functions.ts";

/**
 * Modules in a folder, each as `<sha256>.wasm`. A file whose bytes do not match its name is never
 * handed out: `get` rejects with DATA_DIR_UNUSABLE (it was there once, and "there is none" would be
 * untrue), and `put` of the right bytes mends it. Both reject with DATA_DIR_UNUSABLE where the
 * folder cannot be used and with LOG_FULL where there is no room.
 */
export function moduleStore(folder: string): ModuleStore {
  return contentStore(folder, "wasm");
}

/** The same for other content: each as `<sha256>.<extension>`. */
export function contentStore(folder: string, extension: string): ModuleStore {
  const pathOf = (name: string): string => join(folder, `${name}.${extension}`);
  let opening: Promise<void> | undefined;
  /** Names this process has written or checked, and the writes under way. */
  const kept = new Map<string, Promise<void>>();

  return {
    async put(bytes) {
      const name = sha256(bytes);
      let keeping = kept.get(name);
      if (keeping === undefined) {
        opening ??= attempt("open", folder, () => openFolder(folder));
        keeping = opening.then(() =>
          attempt("write", pathOf(name), () => keep(folder, pathOf(name), bytes)),
        );
        kept.set(name, keeping);
        keeping.catch(() => {
          kept.delete(name);
          opening = undefined;
        });
      }
      await keeping;
      return name;
    },

    async get(name) {
      if (!/^[0-9a-f]{64}$/.test(name)) return undefined;
      const bytes = await attempt("read", pathOf(name), () => readIfThere(pathOf(name)));
      if (bytes === undefined || sha256(bytes) === name) return bytes;
      kept.delete(name);
      throw new NexusError(
        "DATA_DIR_UNUSABLE",
        `Cannot read module "${pathOf(name)}": its bytes were changed on the disk (deploy the function again to mend it)`,
      );
    },

    async list() {
      const files = await attempt("read", folder, () => filesIfThere(folder));
      const ours = files.filter((file) => file.endsWith(`.${extension}`));
      return ours.flatMap((file) => /^([0-9a-f]{64})\./.exec(file)?.[1] ?? []).sort();
    },
  };
}

async function openFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await removeLeftovers(folder);
}

async function keep(folder: string, path: string, bytes: Uint8Array): Promise<void> {
  const there = await readIfThere(path);
  if (there !== undefined && Buffer.compare(there, bytes) === 0) return;
  const temporary = join(folder, `.${randomUUID()}${TEMPORARY}`);
  try {
    await writeDurably(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, "wx");
  await file.writeFile(bytes);
  await file.sync();
}

// The new name is durable when the folder is.
async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function filesIfThere(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

const TEMPORARY = ".tmp";
const LEFTOVER_AFTER_MS = 3_600_000;

// What a crash left half written. A young one may be another process's that is still at it.
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(".") || !name.endsWith(TEMPORARY)) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > LEFTOVER_AFTER_MS) await rm(path, { force: true });
  }
}

async function attempt<T>(verb: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const full = code === "ENOSPC" || code === "EDQUOT";
    throw new NexusError(
      full ? "LOG_FULL" : "DATA_DIR_UNUSABLE",
      `Cannot ${verb} module store "${path}": ${full ? "the disk is full" : message}`,
      { cause },
    );
  }
}
