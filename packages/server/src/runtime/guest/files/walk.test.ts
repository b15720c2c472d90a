import assert from "node:assert/strict";
import { test } from "node:test";
import { LOOP, NAMETOOLONG, NOENT, NOTDIR, PERM } from "../../errno.ts";
import type { Directory } from "../../files.ts";
import { memoryTree } from "./tree.ts";
import { walk, type Follow } from "./walk.ts";

/** `a/b/file`, and links beside it. */
function tree(): Directory {
  const root = memoryTree({ limitBytes: 1024 * 1024, device: 1n, now: () => 0n });
  root.createDirectory("a");
  const a = root.openDirectory("a");
  a.createDirectory("b");
  const mode = { read: false, write: true, create: true, exclusive: true, truncate: false };
  a.openDirectory("b").openFile("file", mode).close();
  root.symlink("to-b", "a/b");
  root.symlink("to-b-slash", "a/b/");
  root.symlink("to-file", "to-b/file");
  a.symlink("up", "..");
  root.symlink("dangling", "a/missing");
  root.symlink("circle", "circle");
  root.symlink("absolute", "/a");
  root.symlink("out", "a/../../etc");
  return root;
}

/** The inode of the directory a path leads to, and the name in it. */
function walked(path: string, follow: Follow = "always") {
  const root = tree();
  const place = walk(root, path, follow);
  const names = new Map([
    [root.stat().inode, "root"],
    [root.statAt("a")!.inode, "a"],
    [root.openDirectory("a").statAt("b")!.inode, "b"],
  ]);
  const { slash, name } = place;
  const result = [names.get(place.directory.stat().inode), name ?? "", slash ? "/" : ""];
  place.close();
  return result.join(" ").trim();
}

test("walk() goes down and up, and stays where it began", () => {
  assert.equal(walked("a/b/file"), "b file");
  assert.equal(walked("./a//b/././file"), "b file");
  assert.equal(walked("a/b/../../a/new"), "a new");
  assert.equal(walked("."), "root");
  assert.equal(walked("a/.."), "root");
  assert.equal(walked("a/b/.."), "a");
  assert.equal(walked("a/b/."), "b");
  assert.equal(walked("a/b/"), "a b /");
  assert.equal(walked("new/"), "root new /");
});

test("walk() follows links on the way, and the last one where it is told to", () => {
  assert.equal(walked("to-b/file"), "b file");
  assert.equal(walked("to-file"), "b file");
  assert.equal(walked("to-file", "slash"), "root to-file");
  assert.equal(walked("to-b/", "slash"), "a b /");
  assert.equal(walked("to-b/", "never"), "root to-b /");
  assert.equal(walked("to-b-slash"), "a b /");
  assert.equal(walked("to-b-slash/file"), "b file");
  assert.equal(walked("dangling"), "a missing");
  assert.equal(walked("a/up/a/b/file"), "b file");
  assert.equal(walked("a/up"), "root");
});

test("walk() refuses whatever leads out, by name or by link", () => {
  for (const path of ["/", "/a", "..", "../a", "a/../..", "a/b/../../../x", "absolute/b", "out"]) {
    assert.throws(() => walked(path), PERM, path);
  }
  assert.equal(walked("absolute", "never"), "root absolute");
  // A directory that was opened is the whole world to those who hold it.
  assert.throws(() => walk(tree().openDirectory("a"), "up/a", "always"), PERM);
});

test("walk() says what is wrong with a path", () => {
  assert.throws(() => walked(""), NOENT);
  assert.throws(() => walked("missing/x"), NOENT);
  assert.throws(() => walked("a/b/file/x"), NOTDIR);
  assert.throws(() => walked("a/b/file/."), NOTDIR);
  assert.throws(() => walked("a/b/file/.."), NOTDIR);
  assert.throws(() => walked("dangling/x"), NOENT);
  assert.throws(() => walked("circle"), LOOP);
  assert.throws(() => walked("circle/x"), LOOP);
  assert.equal(walked("circle", "slash"), "root circle");
});

test("walk() bounds names by their bytes", () => {
  assert.equal(walked("x".repeat(255)), `root ${"x".repeat(255)}`);
  assert.throws(() => walked("x".repeat(256)), NAMETOOLONG);
  assert.equal(walked("ü".repeat(127)), `root ${"ü".repeat(127)}`);
  assert.throws(() => walked("ü".repeat(128)), NAMETOOLONG);
});

test("walk() follows 40 links and no more", () => {
  const root = memoryTree({ limitBytes: 1024 * 1024, device: 1n, now: () => 0n });
  for (let link = 1; link <= 41; link += 1) root.symlink(`l${link}`, `l${link - 1}`);
  assert.equal(walk(root, "l40", "always").name, "l0");
  assert.throws(() => walk(root, "l41", "always"), LOOP);
});

test("walk() closes what it opens, whether it arrives or not", () => {
  let open = 0;
  const counted = (directory: Directory): Directory =>
    new Proxy(directory, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== "function") return value;
        return (...args: unknown[]): unknown => {
          const result: unknown = value.apply(target, args);
          if (key === "close") open -= 1;
          if (key !== "openDirectory") return result;
          open += 1;
          return counted(result as Directory);
        };
      },
    });
  const root = counted(tree());
  for (const path of ["a/b/file", "a/b/..", "a/up/a/b/../x", "to-b/file", "a/b"]) {
    walk(root, path, "always").close();
    assert.equal(open, 0, path);
  }
  for (const path of ["a/b/missing/x", "a/b/../../../x", "a/b/file/x", "a/up/circle/x"]) {
    assert.throws(() => walk(root, path, "always"));
    assert.equal(open, 0, path);
  }
});
