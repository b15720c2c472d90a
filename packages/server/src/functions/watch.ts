import { watch, type FSWatcher } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stampOf, type WatchedFile } from "./files.ts";
import { moduleFault } from "./wasm-file.ts";

const QUIET_MS = 100;
const UNFINISHED_PATIENCE_MS = 2000;
const POLL_MS = 1000;

/**
 * Yields once each time something of `files()` has changed since `loadProject` looked at it and is at
 * rest again; what changed before the iteration began counts too. `files` is asked again after each
 * yield, when the project has been loaded anew. Ends when `signal` aborts.
 *
 * It watches the folders and not the files: most editors, compilers and Kubernetes replace a file by
 * renaming another over it, and a watch on the file would stay with the old one; a file that is not there yet
 * can only be seen from its folder. The system's notices only say when to look; what counts is
 * whether size, time or identity differ, so that other files' changes in the folder make no noise.
 */
export async function* watchProject(
  files: () => readonly WatchedFile[],
  signal: AbortSignal,
): AsyncIterable<void> {
  let watched = files();
  let known: readonly string[] = watched.map(({ stamp }) => stamp);
  using folders = new FolderWatch();
  while (!signal.aborted) {
    const paths = watched.map(({ path }) => path);
    await folders.follow(paths); // each time: a folder may have come or gone
    const now = await atRest(watched, known, signal);
    if (now === undefined) {
      await folders.changed(signal);
      continue;
    }
    known = now;
    yield;
    const next = files();
    // The same ones again: what they became could not be loaded, and is known all the same.
    if (next !== watched) known = next.map(({ stamp }) => stamp);
    watched = next;
  }
}

/** The stamps, as soon as they hold still; undefined where they are the known ones. */
async function atRest(
  watched: readonly WatchedFile[],
  known: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  let last = await stampsOf(watched);
  let waitedMs = 0;
  while (!sameStamps(last, known)) {
    await pause(QUIET_MS, signal);
    if (signal.aborted) return undefined;
    waitedMs += QUIET_MS;
    const now = await stampsOf(watched);
    const still = sameStamps(last, now);
    last = now;
    if (!still) continue;
    if (sameStamps(now, known)) return undefined;
    const changed = watched.filter((_, index) => now[index] !== known[index]);
    if (waitedMs >= UNFINISHED_PATIENCE_MS || !(await anyUnfinished(changed))) return now;
  }
  return undefined;
}

/** Whether a module is empty, cut off or gone: a build that goes on. What has lasted is a fault to be told. */
async function anyUnfinished(changed: readonly WatchedFile[]): Promise<boolean> {
  for (const { path } of changed) {
    if (!path.endsWith(".wasm")) continue;
    try {
      if (moduleFault(await readFile(path)) !== undefined) return true;
    } catch {
      return true;
    }
  }
  return false;
}

async function stampsOf(watched: readonly WatchedFile[]): Promise<readonly string[]> {
  return await Promise.all(
    watched.map(async ({ path, tree }) => {
      try {
        return (await stampOf(path, tree)).text;
      } catch (error) {
        return (error as Error).message; // loadProject says what it means
      }
    }),
  );
}

function sameStamps(a: readonly string[], b: readonly string[]): boolean {
  return a.every((stamp, index) => stamp === b[index]);
}

/** Notices of changes in the folders that hold some paths. */
class FolderWatch {
  readonly #watches = new Map<string, { readonly watcher: FSWatcher; readonly identity: string }>();
  #notice = Promise.withResolvers<void>();
  /** Some folder cannot be watched (the system's watches are used up, say): look now and then. */
  #polling = false;

  /** Watches the folder of each path, or the nearest one above that exists, and the path where it is a folder. */
  async follow(paths: readonly string[]): Promise<void> {
    let added = true;
    // What came while a watch was being set up made no notice: look once more after each new one.
    while (added) {
      const wanted = await foldersOf(paths);
      for (const [folder, { watcher, identity }] of this.#watches) {
        if (wanted.get(folder) === identity) continue;
        watcher.close();
        this.#watches.delete(folder);
      }
      const missing = [...wanted].filter(([folder]) => !this.#watches.has(folder));
      const opened = missing.filter(([folder, identity]) => this.#open(folder, identity));
      this.#polling = opened.length < missing.length;
      added = opened.length > 0;
    }
  }

  #open(folder: string, identity: string): boolean {
    try {
      const watcher = watch(folder, () => this.#notice.resolve());
      watcher.on("error", () => {
        watcher.close();
        if (this.#watches.get(folder)?.watcher === watcher) this.#watches.delete(folder);
        this.#notice.resolve();
      });
      this.#watches.set(folder, { watcher, identity });
      return true;
    } catch {
      return false;
    }
  }

  /** Resolves after the next notice, or the one that came since the last call; and when `signal` aborts. */
  async changed(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const aborted = Promise.withResolvers<void>();
    either.addEventListener("abort", () => aborted.resolve(), { once: true });
    const waits = [this.#notice.promise, aborted.promise];
    if (this.#polling) waits.push(pause(POLL_MS, either));
    if (!signal.aborted) await Promise.race(waits);
    over.abort();
    this.#notice = Promise.withResolvers();
  }

  [Symbol.dispose](): void {
    for (const { watcher } of this.#watches.values()) watcher.close();
    this.#watches.clear();
  }
}

/** The folders to watch for these paths, each with what tells it from a later one of its name. */
async function foldersOf(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const path of new Set(paths.map((path) => dirname(path)))) {
    let folder = path;
    let identity = await folderIdentity(folder);
    while (identity === undefined && dirname(folder) !== folder) {
      folder = dirname(folder);
      identity = await folderIdentity(folder);
    }
    if (identity !== undefined) found.set(folder, identity);
  }
  for (const path of paths) {
    if (SOURCE_FILE.test(path)) continue;
    const identity = await folderIdentity(path);
    if (identity !== undefined) found.set(path, identity);
  }
  return found;
}

// Spares thousands of looks: what is named so is a file, but for somebody's joke.
const SOURCE_FILE = /\.(?:wasm|ya?ml)$/;

async function folderIdentity(path: string): Promise<string | undefined> {
  try {
    const facts = await stat(path, { bigint: true });
    return facts.isDirectory() ? `${facts.ino} ${facts.birthtimeNs}` : undefined;
  } catch {
    return undefined;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
