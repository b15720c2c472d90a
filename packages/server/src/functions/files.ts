import type { BigIntStats } from "node:fs";
import { lstat, readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";

/** A file or folder that a project depends on, and how it was when it was read. */
export interface WatchedFile {
  /** Absolute. */
  readonly path: string;
  /** Differs when the content may differ; see `stampOf`. */
  readonly stamp: string;
  /** Whether all that is in the directory counts, and how it is. */
  readonly tree?: true;
}

export type FileContent =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "missing" }
  | { readonly kind: "directory" }
  /** A socket, a pipe, a device: reading one could wait for ever. */
  | { readonly kind: "special" }
  | { readonly kind: "too_large"; readonly bytes: number }
  | { readonly kind: "unreadable"; readonly reason: string };

/** Reads files and remembers each, there or not, as it was just before it was read. */
export class SourceFiles {
  readonly #seen = new Map<string, string>();
  /** Mounted directories: what is in them counts, whatever its name. */
  readonly #trees = new Map<string, string>();

  get seen(): readonly WatchedFile[] {
    return [
      ...Array.from(this.#seen, ([path, stamp]) => ({ path, stamp })),
      ...Array.from(this.#trees, ([path, stamp]) => ({ path, stamp, tree: true as const })),
    ];
  }

  /** Remembers a directory with all that is directly in it; what it is. */
  async tree(directory: string): Promise<"missing" | "directory" | "file" | "special"> {
    const path = resolve(directory);
    const stamp = await stampOf(path, true);
    this.#trees.set(path, stamp.text);
    return stamp.kind;
  }

  async read(file: string, maxBytes: number): Promise<FileContent> {
    const path = resolve(file);
    try {
      const stamp = await stampOf(path);
      this.#seen.set(path, stamp.text);
      if (stamp.kind !== "file") return { kind: stamp.kind };
      if (stamp.bytes > maxBytes) return { kind: "too_large", bytes: stamp.bytes };
      return { kind: "bytes", bytes: await readFile(path) };
    } catch (error) {
      return isMissing(error)
        ? { kind: "missing" }
        : { kind: "unreadable", reason: reasonOf(error) };
    }
  }

  /** The names in a folder, sorted; undefined if there is none of that name. Rejects with what the system says else. */
  async list(folder: string): Promise<readonly string[] | undefined> {
    const path = resolve(folder);
    const stamp = await stampOf(path);
    this.#seen.set(path, stamp.text);
    return stamp.kind === "missing" ? undefined : await sourceNames(path);
  }
}

type Stamp =
  | { readonly kind: "file"; readonly text: string; readonly bytes: number }
  | { readonly kind: "directory" | "special" | "missing"; readonly text: string };

/**
 * What a file is now, as a text to compare: which file it is, its size and when it last changed; of a
 * folder: the names in it that matter, or with `tree` all that is directly in it, and how it is.
 */
export async function stampOf(path: string, tree = false): Promise<Stamp> {
  try {
    const facts = await stat(path, { bigint: true });
    if (facts.isDirectory()) {
      const inside = tree ? await insideOf(path) : await sourceNames(path);
      return { kind: "directory", text: `directory ${JSON.stringify(inside)}` };
    }
    const text = factsText(facts);
    return facts.isFile()
      ? { kind: "file", text, bytes: Number(facts.size) }
      : { kind: "special", text };
  } catch (error) {
    if (isMissing(error)) return { kind: "missing", text: "missing" };
    throw error;
  }
}

function factsText({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

async function insideOf(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).sort();
  return await Promise.all(
    names.map(async (name) => {
      try {
        const facts = await lstat(join(folder, name), { bigint: true });
        // A directory in it has a stamp of its own.
        return `${name} ${facts.isDirectory() ? "directory" : factsText(facts)}`;
      } catch {
        return `${name} gone`;
      }
    }),
  );
}

// Editors and compilers leave hidden and temporary files beside; those are no part of a project.
async function sourceNames(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  return names.filter((name) => SOURCE_NAME.test(name)).sort();
}

const SOURCE_NAME = /^[^.].*\.(?:wasm|ya?ml)$/;

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** The system's own words for why a file cannot be read. */
export function reasonOf(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user may not read it",
  EPERM: "this user may not read it",
  ELOOP: "its symbolic links go in a circle",
  ENAMETOOLONG: "its name is too long",
};
