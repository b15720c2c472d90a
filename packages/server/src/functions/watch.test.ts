import assert from "node:assert/strict";
import { mkdir, open, rename, rm, symlink } from "node:fs/promises";
import { test } from "node:test";
import type { WatchedFile } from "./files.ts";
import { stampOf } from "./files.ts";
import { EMPTY_MODULE, folderWith, taggedModule } from "./testing/folder.ts";
import { watchProject } from "./watch.ts";

async function watched(...paths: readonly string[]): Promise<readonly WatchedFile[]> {
  return await Promise.all(
    paths.map(async (path) => ({ path, stamp: (await stampOf(path)).text })),
  );
}

/** Watches these paths, reading them anew after each change as a reload does. */
async function watching(...paths: readonly string[]) {
  let files = await watched(...paths);
  const stop = new AbortController();
  const changes = watchProject(() => files, stop.signal)[Symbol.asyncIterator]();
  let next = changes.next();
  return {
    /** Resolves after a change. */
    async change(): Promise<void> {
      assert.notEqual((await next).done, true);
      files = await watched(...paths);
      next = changes.next();
    },
    /** Whether there was a change already; nothing is waited for beyond one quiet time. */
    async quiet(): Promise<boolean> {
      const marker = Symbol("quiet");
      const timeout = AbortSignal.timeout(400);
      const elapsed = new Promise((resolve) => {
        timeout.addEventListener("abort", () => resolve(marker));
      });
      return (await Promise.race([next, elapsed])) === marker;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      assert.equal((await next).done, true);
    },
  };
}

const TIMEOUT = { timeout: 20_000 };

test("watchProject() tells of a file written in place, again and again", TIMEOUT, async () => {
  await using folder = await folderWith({ "nexus.yaml": "a" });
  await using watch = await watching(folder.at("nexus.yaml"));
  for (const content of ["b", "cc", "d"]) {
    await folder.write("nexus.yaml", content);
    await watch.change();
  }
});

test("watchProject() tells of a file replaced by renaming another over it", TIMEOUT, async () => {
  await using folder = await folderWith({ "nexus.yaml": "a" });
  await using watch = await watching(folder.at("nexus.yaml"));
  for (const content of ["b", "c"]) {
    await folder.write(".nexus.yaml.swp", content);
    await rename(folder.at(".nexus.yaml.swp"), folder.at("nexus.yaml"));
    await watch.change();
  }
});

test("watchProject() tells of what changed before it began", TIMEOUT, async () => {
  await using folder = await folderWith({ "nexus.yaml": "a" });
  const files = await watched(folder.at("nexus.yaml"));
  await folder.write("nexus.yaml", "bb");
  const changes = watchProject(() => files, AbortSignal.timeout(10_000));
  for await (const _ of changes) return;
  assert.fail("ended without a change");
});

test(
  "watchProject() tells of a file that comes, in folders that come, and goes",
  TIMEOUT,
  async () => {
    await using folder = await folderWith();
    await using watch = await watching(folder.at("build/out/a.wasm"));
    await mkdir(folder.at("build"));
    await mkdir(folder.at("build/out"));
    await folder.write("build/out/a.wasm", EMPTY_MODULE);
    await watch.change();
    await folder.write("build/out/a.wasm", taggedModule("b"));
    await watch.change();
    await rm(folder.at("build"), { recursive: true });
    await watch.change();
    await folder.write("build/out/a.wasm", EMPTY_MODULE);
    await watch.change();
  },
);

test(
  "watchProject() tells of modules that come to a functions directory and go",
  TIMEOUT,
  async () => {
    await using folder = await folderWith({ "functions/a.wasm": EMPTY_MODULE });
    await using watch = await watching(folder.at("functions"));
    await folder.write("functions/b.wasm", EMPTY_MODULE);
    await watch.change();
    await rm(folder.at("functions/a.wasm"));
    await watch.change();
    await folder.write("functions/b.yaml", "");
    await watch.change();
  },
);

test(
  "watchProject() tells of a change behind a symbolic link, as Kubernetes mounts them",
  TIMEOUT,
  async () => {
    await using folder = await folderWith({ "v1/nexus.yaml": "a", "v2/nexus.yaml": "bb" });
    await symlink("v1", folder.at("..data"));
    await symlink("..data/nexus.yaml", folder.at("nexus.yaml"));
    await using watch = await watching(folder.at("nexus.yaml"));
    await symlink("v2", folder.at("..new"));
    await rename(folder.at("..new"), folder.at("..data"));
    await watch.change();
  },
);

test(
  "watchProject() makes one notice of a build that writes in many steps, when it is whole",
  TIMEOUT,
  async () => {
    await using folder = await folderWith({ "a.wasm": EMPTY_MODULE });
    await using watch = await watching(folder.at("a.wasm"));
    const module = taggedModule("x".repeat(100));
    {
      await using file = await open(folder.at("a.wasm"), "w");
      for (const byte of module) await file.write(new Uint8Array([byte]));
      // Cut off by one byte and quiet for a while: still being built.
      await file.truncate(module.length - 1);
      assert.equal(await watch.quiet(), true);
      await file.write(module.subarray(-1), 0, 1, module.length - 1);
    }
    await watch.change();
    assert.equal(await watch.quiet(), true);
  },
);

test("watchProject() tells of a module that stays broken, in the end", TIMEOUT, async () => {
  await using folder = await folderWith({ "a.wasm": EMPTY_MODULE });
  await using watch = await watching(folder.at("a.wasm"));
  await folder.write("a.wasm", "not a module");
  await watch.change();
});

test("watchProject() hears nothing of other files and of what was undone", TIMEOUT, async () => {
  await using folder = await folderWith({ "nexus.yaml": "a" });
  await using watch = await watching(folder.at("nexus.yaml"));
  await folder.write("server.log", "line");
  assert.equal(await watch.quiet(), true);
  await rename(folder.at("nexus.yaml"), folder.at("away"));
  await rename(folder.at("away"), folder.at("nexus.yaml"));
  await folder.write("nexus.yaml", "b");
  await watch.change();
});

test("watchProject() does not repeat a change that could not be loaded", TIMEOUT, async () => {
  await using folder = await folderWith({ "nexus.yaml": "a" });
  const files = await watched(folder.at("nexus.yaml")); // stays: the old project serves on
  const stop = new AbortController();
  const changes = watchProject(() => files, stop.signal)[Symbol.asyncIterator]();
  await folder.write("nexus.yaml", "broken");
  assert.notEqual((await changes.next()).done, true);
  const next = changes.next();
  await folder.write("nexus.yaml", "mended");
  assert.notEqual((await next).done, true);
  const last = changes.next();
  stop.abort();
  assert.equal((await last).done, true);
});
