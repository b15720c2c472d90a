import { watch, type FSWatcher } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
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
    const now = await atRest(paths, known, signal);
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
  paths: readonly string[],
  known: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  let last = await stampsOf(paths);
  let waitedMs = 0;
  while (!sameStamps(last, known)) {
    await pause(QUIET_MS, signal);
    if (signal.aborted) return undefined;
    waitedMs += QUIET_MS;
    const now = await stampsOf(paths);
    const still = sameStamps(last, now);
    last = now;
    if (!still) continue;
    if (sameStamps(now, known)) return undefined;
    const changed = paths.filter((_, index) => now[index] !== known[index]);
    if (waitedMs >= UNFINISHED_PATIENCE_MS || !(await anyUnfinished(changed))) return now;
  }
  return undefined;
}

/** Whether a module is empty, cut off or gone: a build that goes on. What has lasted is a fault to be told. */
async function anyUnfinished(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) {
    if (!path.endsWith(".wasm")) continue;
    try {
      if (moduleFault(await readFile(path)) !== undefined) return true;
    } catch {
      return true;
    }
  }
  return false;
}

async function stampsOf(paths: readonly string[]): Promise<readonly string[]> {
  return await Promise.all(
    paths.map(async (path) => {
      try {
        return (await stampOf(path)).text;
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
  readonly #watchers = new Map<string, FSWatcher>();
  #notice = Promise.withResolvers<void>();
  /** Some folder cannot be watched (the system's watches are used up, say): look now and then. */
  #polling = false;

  /** Watches the folder of each path, or the nearest one above that exists, and the path where it is a folder. */
  async follow(paths: readonly string[]): Promise<void> {
    const wanted = new Set<string>();
    const seen = new Map<string, string>();
    for (const path of paths) {
      const parent = dirname(path);
      let folder = seen.get(parent);
      if (folder === undefined) {
        folder = await nearestFolder(parent);
        seen.set(parent, folder);
      }
      wanted.add(folder);
      if (await isFolder(path)) wanted.add(path);
    }
    for (const [folder, watcher] of this.#watchers) {
      if (!wanted.has(folder)) {
        watcher.close();
        this.#watchers.delete(folder);
      }
    }
    this.#polling = false;
    for (const folder of wanted) {
      if (!this.#watchers.has(folder)) this.#add(folder);
    }
  }

  #add(folder: string): void {
    const drop = (): void => {
      this.#watchers.get(folder)?.close();
      this.#watchers.delete(folder);
      this.#notice.resolve();
    };
    try {
      const watcher = watch(folder, (event, name) => {
        // The folder itself went: a new one of the same name needs a new watch.
        if (event === "rename" && name !== null && !this.#watchers.has(join(folder, name))) {
          void isFolder(folder).then((there) => (there ? this.#notice.resolve() : drop()));
        }
        this.#notice.resolve();
      });
      watcher.on("error", drop);
      this.#watchers.set(folder, watcher);
    } catch {
      this.#polling = true;
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
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }
}

async function nearestFolder(path: string): Promise<string> {
  return (await isFolder(path)) || dirname(path) === path ? path : nearestFolder(dirname(path));
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
