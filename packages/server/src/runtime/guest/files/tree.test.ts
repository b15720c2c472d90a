import assert from "node:assert/strict";
import { test } from "node:test";
import { NOSPC, XDEV } from "../../errno.ts";
import { testFiles } from "../../files-conformance.ts";
import type { Directory, OpenMode } from "../../files.ts";
import { WallClock } from "../wall-clock.ts";
import { memoryTree } from "./tree.ts";

const clock = new WallClock();
const CREATE: OpenMode = {
  read: true,
  write: true,
  create: true,
  exclusive: false,
  truncate: false,
};

function tree(limitBytes = 1024 * 1024, onFull?: () => void): Directory {
  const options = { limitBytes, device: 1n, now: () => clock.now() };
  return memoryTree(onFull === undefined ? options : { ...options, onFull });
}

testFiles("memoryTree()", async () => ({
  directory: tree(),
  [Symbol.asyncDispose]: async () => undefined,
}));

test("memoryTree() writes what there is room for, then refuses, and tells of both", () => {
  let told = 0;
  const root = tree(10_000, () => (told += 1));
  const file = root.openFile("file", CREATE);
  const written = file.write(0n, new Uint8Array(20_000).fill(7));
  assert.ok(written > 8_000 && written < 10_000, String(written));
  assert.equal(file.stat().size, BigInt(written));
  assert.equal(told, 1);
  assert.throws(() => file.write(null, new Uint8Array(1)), NOSPC);
  assert.throws(() => file.setSize(2n ** 40n), NOSPC);
  assert.throws(() => file.allocate(0n, 2n ** 40n), NOSPC);
  assert.equal(file.stat().size, BigInt(written));
  assert.equal(told, 4);
  // What is in the file can still be changed.
  assert.equal(file.write(0n, new Uint8Array(written)), written);
});

test("memoryTree() gives room back when a file is cut, and when it is gone for good", () => {
  const root = tree(10_000);
  const whole = new Uint8Array(8_000);
  const file = root.openFile("file", CREATE);
  for (let round = 0; round < 5; round += 1) {
    assert.equal(file.write(0n, whole), whole.length);
    file.setSize(0n);
  }
  file.write(0n, whole);
  root.unlink("file");
  const other = root.openFile("other", CREATE);
  assert.ok(other.write(0n, whole) < whole.length);
  file.close();
  assert.equal(other.write(0n, whole), whole.length);
});

test("memoryTree() counts names and empty files, so that a million of them hit the limit too", () => {
  const root = tree(1024 * 1024);
  const makers: readonly ((name: string) => void)[] = [
    (name) => root.openFile(name, CREATE).close(),
    (name) => root.createDirectory(name),
    (name) => root.symlink(name, "x"),
    (name) => root.link("first", root, name),
  ];
  root.openFile("first", CREATE).close();
  for (const make of makers) {
    let made = 0;
    assert.throws(() => {
      for (; made < 1_000_000; made += 1) make(`n${made}`);
    }, NOSPC);
    assert.ok(made > 500 && made < 4_000, String(made));
    for (const { name, type } of root.entries()) {
      if (name === "first") continue;
      if (type === 3) root.removeDirectory(name);
      else root.unlink(name);
    }
  }
});

test("memoryTree() bounds what lies in the thread's heap, however large it may be", () => {
  const root = tree(2 ** 40);
  let made = 0;
  assert.throws(() => {
    for (; made < 1_000_000; made += 1) root.openFile(`n${made}`, CREATE).close();
  }, NOSPC);
  assert.ok(made > 4_000 && made < 20_000, String(made));
  const file = root.openFile("n0", CREATE);
  assert.equal(file.write(0n, new Uint8Array(1024 * 1024)), 1024 * 1024);
  root.unlink("n1");
  root.openFile("new", CREATE).close();
  assert.throws(() => root.symlink("link", "x".repeat(4096)), NOSPC);
});

test("memoryTree() shows nothing of what a file held before it was cut", () => {
  const file = tree().openFile("file", CREATE);
  file.write(0n, new Uint8Array(1000).fill(0xee));
  file.setSize(10n);
  file.write(500n, new Uint8Array([1]));
  const into = new Uint8Array(501);
  file.read(0n, into);
  assert.ok(into.subarray(10, 500).every((byte) => byte === 0));
});

test("link() and rename() refuse another tree's directory", () => {
  const [one, other] = [tree(), tree()];
  one.openFile("file", CREATE).close();
  assert.throws(() => one.link("file", other, "file"), XDEV);
  assert.throws(() => one.rename("file", other, "file"), XDEV);
});
