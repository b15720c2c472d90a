import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { test } from "node:test";
import { sha256 } from "../core/ids.ts";
import { SourceFiles } from "./files.ts";
import { mountContent, mountIn } from "./mount-content.ts";
import { mountBudget, readMount } from "./mounts.ts";
import { folderWith } from "./testing/folder.ts";

test("mountIn() gives back what mountContent() was given, whose sha256 is the mount's", async () => {
  await using folder = await folderWith({ "a/x": "one\0two", "a/empty": "", ö: "three" });
  await symlink("a/x", folder.at("link"));
  const mount = await readMount(folder.path, new SourceFiles(), mountBudget());
  assert.ok(typeof mount !== "string");
  const content = mountContent(mount.files);
  assert.equal(sha256(content), mount.sha256);
  const read = mountIn(content)!;
  assert.deepEqual(read.nodes, mount.files.nodes);
  assert.deepEqual(new Uint8Array(read.bytes), new Uint8Array(mount.files.bytes));
});

test("mountIn() refuses what leads out of its bytes or its table, and what is none", () => {
  const table = (nodes: unknown, bytes = "") => Buffer.from(`${JSON.stringify(nodes)}\0${bytes}`);
  const directory = (node: number) => ({ kind: "directory", entries: [{ name: "x", node }] });
  const file = { kind: "file", at: 1, length: 2 };
  assert.notEqual(mountIn(table([directory(1), file], "abc")), undefined);
  for (const content of [
    table([directory(1), file], "ab"),
    table([directory(2), file], "abc"),
    table([directory(1), { ...file, at: -1 }], "abc"),
    table([]),
    table({}),
    Buffer.from("[]"),
    Buffer.from("x\0"),
  ]) {
    assert.equal(mountIn(content), undefined);
  }
});
