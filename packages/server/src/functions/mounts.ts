import { isUtf8 } from "node:buffer";
import { constants } from "node:fs";
import { open, readdir, readlink } from "node:fs/promises";
import { join, posix } from "node:path";
import { sha256 } from "../core/ids.ts";
import type { MountedEntry, MountedFiles, MountedNode } from "../core/mounts.ts";
import { reasonOf, type SourceFiles } from "./files.ts";
import { mountContent } from "./mount-content.ts";

/** What the mounts of one function may hold together. */
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_FILES = 10_000;

/** What is left of that; each mount takes of it. */
export interface MountBudget {
  bytes: number;
  files: number;
}

export function mountBudget(): MountBudget {
  return { bytes: MOST_BYTES, files: MOST_FILES };
}

export interface ReadMount {
  readonly files: MountedFiles;
  readonly sha256: string;
  readonly count: number;
  readonly bytes: number;
}

/**
 * A directory as it is now, or why it cannot be mounted, in words that follow its path. Symbolic links
 * in it stay links: they may lead to what lies in the directory, and nowhere else.
 */
export async function readMount(
  path: string,
  files: SourceFiles,
  budget: MountBudget,
): Promise<ReadMount | string> {
  const reader = new MountReader(path, files, budget);
  try {
    return await reader.read();
  } catch (error) {
    if (error instanceof MountFault) return error.message;
    throw error;
  }
}

class MountFault extends Error {}

class MountReader {
  readonly #root: string;
  readonly #files: SourceFiles;
  readonly #budget: MountBudget;
  readonly #nodes: MountedNode[] = [];
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(root: string, files: SourceFiles, budget: MountBudget) {
    this.#root = root;
    this.#files = files;
    this.#budget = budget;
  }

  async read(): Promise<ReadMount> {
    const root = await this.#files.tree(this.#root);
    if (root !== "directory") throw new MountFault(NO_MOUNT[root]);
    await this.#directory("");
    const bytes = new SharedArrayBuffer(this.#bytes);
    const view = new Uint8Array(bytes);
    let at = 0;
    for (const part of this.#parts) {
      view.set(part, at);
      at += part.length;
    }
    const nodes = this.#nodes;
    const files = { bytes, nodes };
    return {
      files,
      sha256: sha256(mountContent(files)),
      count: nodes.length - 1,
      bytes: this.#bytes,
    };
  }

  /** Adds what is in a directory, and gives its number. */
  async #directory(inside: string): Promise<number> {
    const entries: MountedEntry[] = [];
    const number = this.#nodes.push({ kind: "directory", entries }) - 1;
    for (const { name, kind } of await this.#list(inside)) {
      this.#budget.files -= 1;
      if (this.#budget.files < 0) {
        throw new MountFault(
          `holds too much: a function's mounts have at most ${MOST_FILES} files`,
        );
      }
      const path = inside === "" ? name : `${inside}/${name}`;
      entries.push({ name, node: await this.#entry(path, kind) });
    }
    return number;
  }

  async #entry(path: string, kind: Kind): Promise<number> {
    switch (kind) {
      case "directory":
        await this.#files.tree(join(this.#root, path));
        return await this.#directory(path);
      case "file":
        return this.#nodes.push(await this.#file(path)) - 1;
      case "link":
        return this.#nodes.push(await this.#link(path)) - 1;
      case "special":
        throw new MountFault(`cannot be mounted: "${path}" in it is no file, directory or link`);
    }
  }

  async #list(inside: string): Promise<readonly { name: string; kind: Kind }[]> {
    const found = await this.#attempt(inside, () =>
      readdir(join(this.#root, inside), { withFileTypes: true, encoding: "buffer" }),
    );
    const listed = found.map((entry) => {
      if (!isUtf8(entry.name)) {
        const name = entry.name.toString("latin1");
        throw new MountFault(`cannot be mounted: the name "${name}" in it is not UTF-8`);
      }
      return { name: entry.name.toString(), kind: kindOf(entry) };
    });
    return listed.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #file(path: string): Promise<MountedNode> {
    const content = await this.#attempt(path, async () => {
      // What was a file a moment ago may be a link out of here by now.
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      await using file = await open(join(this.#root, path), flags);
      const { size } = await file.stat();
      if (size > this.#budget.bytes) throw tooLarge();
      return await file.readFile();
    });
    this.#budget.bytes -= content.length;
    if (this.#budget.bytes < 0) throw tooLarge();
    const at = this.#bytes;
    this.#bytes += content.length;
    this.#parts.push(content);
    return { kind: "file", at, length: content.length };
  }

  async #link(path: string): Promise<MountedNode> {
    const target = await this.#attempt(path, () => readlink(join(this.#root, path)));
    const reached = posix.join(posix.dirname(path), target);
    if (posix.isAbsolute(target) || reached === ".." || reached.startsWith("../")) {
      const out = `the link "${path}" in it leads out of it, to "${target}"`;
      throw new MountFault(`cannot be mounted: ${out}`);
    }
    return { kind: "link", target };
  }

  async #attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof MountFault) throw error;
      const what = path === "" ? "it" : `"${path}" in it`;
      throw new MountFault(`cannot be mounted: ${what} cannot be read: ${reasonOf(error)}`);
    }
  }
}

type Kind = "directory" | "file" | "link" | "special";

interface Typed {
  isDirectory(): boolean;
  isFile(): boolean;
  isSymbolicLink(): boolean;
}

function kindOf(entry: Typed): Kind {
  if (entry.isDirectory()) return "directory";
  if (entry.isFile()) return "file";
  return entry.isSymbolicLink() ? "link" : "special";
}

function tooLarge(): MountFault {
  const most = `${MOST_BYTES / 1024 / 1024} MiB`;
  return new MountFault(`holds too much: a function's mounts have at most ${most}`);
}

const NO_MOUNT = {
  missing: "does not exist",
  file: "is not a directory",
  special: "is not a directory",
} as const;
