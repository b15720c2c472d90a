import assert from "node:assert/strict";
import { readdir, rm, utimes } from "node:fs/promises";
import { test } from "node:test";
import { sha256 } from "../core/ids.ts";
import { moduleStore } from "./module-store.ts";
import { EMPTY_MODULE, folderWith, taggedModule } from "./testing/folder.ts";

const NAME = sha256(EMPTY_MODULE);

test("put() keeps a module under its sha256, also for the next process", async () => {
  await using folder = await folderWith();
  const store = moduleStore(folder.at("data/modules"));
  assert.equal(await store.get(NAME), undefined);
  assert.equal(await store.put(EMPTY_MODULE), NAME);
  assert.deepEqual(await readdir(folder.at("data/modules")), [`${NAME}.wasm`]);
  const next = moduleStore(folder.at("data/modules"));
  assert.deepEqual(await next.get(NAME), Buffer.from(EMPTY_MODULE));
  assert.equal(await next.put(EMPTY_MODULE), NAME);
});

test("put() at the same time, of one module and of many, through two stores", async () => {
  await using folder = await folderWith();
  const stores = [moduleStore(folder.path), moduleStore(folder.path)];
  const modules = Array.from({ length: 20 }, (_, n) => taggedModule(`m${n % 5}`));
  const kept = await Promise.all(stores.flatMap((store) => modules.map((m) => store.put(m))));
  assert.equal(new Set(kept).size, 5);
  assert.deepEqual(
    (await readdir(folder.path)).sort(),
    [...new Set(kept)].map((name) => `${name}.wasm`).sort(),
  );
  for (const name of kept) assert.equal(sha256((await stores[0]!.get(name))!), name);
});

test("get() takes nothing but a sha256", async () => {
  await using folder = await folderWith({ "secret.wasm": EMPTY_MODULE });
  const store = moduleStore(folder.at("modules"));
  await store.put(EMPTY_MODULE);
  for (const name of ["../secret", "", NAME.toUpperCase(), `${NAME}x`]) {
    assert.equal(await store.get(name), undefined);
  }
});

test("get() never hands out bytes that do not match their name, and put() mends them", async () => {
  await using folder = await folderWith();
  const store = moduleStore(folder.path);
  await store.put(EMPTY_MODULE);
  for (const damaged of [taggedModule("other"), EMPTY_MODULE.subarray(0, 4), new Uint8Array()]) {
    await folder.write(`${NAME}.wasm`, damaged);
    await assert.rejects(store.get(NAME), {
      code: "DATA_DIR_UNUSABLE",
      message: `Cannot read module "${folder.at(`${NAME}.wasm`)}": its bytes were changed on the disk (deploy the function again to mend it)`,
    });
    await store.put(EMPTY_MODULE);
    assert.deepEqual(await store.get(NAME), Buffer.from(EMPTY_MODULE));
  }
});

test("put() rejects with DATA_DIR_UNUSABLE where the folder cannot be, and works when it can", async () => {
  await using folder = await folderWith({ file: "x" });
  const store = moduleStore(folder.at("file/modules"));
  await assert.rejects(store.put(EMPTY_MODULE), {
    code: "DATA_DIR_UNUSABLE",
    message: /^Cannot open module store ".*\/file\/modules": ENOTDIR/,
  });
  await rm(folder.at("file"));
  assert.equal(await store.put(EMPTY_MODULE), NAME);
});

test("put() clears away what a crash left half written, and no other file", async () => {
  await using folder = await folderWith({ ".old.tmp": "x", ".young.tmp": "x", "mine.txt": "x" });
  await utimes(folder.at(".old.tmp"), 0, 0);
  await moduleStore(folder.path).put(EMPTY_MODULE);
  const names = await readdir(folder.path);
  assert.deepEqual(names.sort(), [".young.tmp", `${NAME}.wasm`, "mine.txt"].sort());
});
