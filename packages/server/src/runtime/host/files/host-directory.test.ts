import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { lstat, mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../../testing/folder.ts";
import { ERRNO, WasiError } from "../../errno.ts";
import { testFiles, type Root } from "../../files-conformance.ts";
import { FILETYPE, type OpenMode } from "../../files.ts";
import { hostDirectory, type Reach } from "./host-directory.ts";

const READ: OpenMode = {
  read: true,
  write: false,
  create: false,
  exclusive: false,
  truncate: false,
};
const WRITE: OpenMode = { ...READ, read: false, write: true };
const LINUX_ONLY = process.platform === "linux" ? {} : { skip: "names are reached by path here" };

/** Each test's directory, reached so. */
function rootBy(reach: Reach): () => Promise<Root> {
  return async () => {
    const made = await temporaryFolder();
    const directory = hostDirectory(made.path, reach);
    return {
      directory,
      async [Symbol.asyncDispose]() {
        directory.close();
        await made[Symbol.asyncDispose]();
      },
    };
  };
}

if (process.platform === "linux")
  testFiles("hostDirectory() by descriptors", rootBy("descriptors"));
testFiles("hostDirectory() by paths", rootBy("paths"), {
  "a directory that is removed while it is open can be looked at, and takes nothing":
    "its path leads nowhere any more, and its entries cannot be asked for",
  "rename() moves a directory with all that is in it, over an empty one too":
    "a directory is lost when it is renamed while it is open",
});

function refuses(errno: number, call: () => unknown): void {
  assert.throws(call, (error) => error instanceof WasiError && error.errno === errno);
}

test(
  "hostDirectory() stays in the directory it has opened, whatever takes its name",
  LINUX_ONLY,
  async () => {
    await using made = await temporaryFolder();
    const at = (name: string) => join(made.path, name);
    await mkdir(at("granted/sub"), { recursive: true });
    await mkdir(at("outside"));
    await writeFile(at("outside/file"), "outside");
    await writeFile(at("granted/sub/file"), "inside");
    const root = hostDirectory(at("granted"));
    const sub = root.openDirectory("sub");
    await rename(at("granted/sub"), at("granted/moved"));
    await symlink(at("outside"), at("granted/sub"));
    const file = sub.openFile("file", { ...READ, write: true });
    file.write(0n, Buffer.from("INS"));
    file.close();
    sub.createDirectory("new");
    sub.unlink("file");
    sub.openFile("made", { ...WRITE, create: true }).close();
    assert.deepEqual(readdirSync(at("granted/moved")), ["made", "new"]);
    assert.equal(await readFile(at("outside/file"), "utf8"), "outside");
    assert.deepEqual(readdirSync(at("outside")), ["file"]);
    refuses(ERRNO.loop, () => root.openDirectory("sub"));
    sub.close();
    root.close();
  },
);

for (const reach of ["descriptors", "paths"] as const satisfies readonly Reach[]) {
  const options = reach === "descriptors" ? LINUX_ONLY : {};

  test(
    `hostDirectory() by ${reach} follows no symbolic link, to read or to write`,
    options,
    async () => {
      await using made = await temporaryFolder();
      const at = (name: string) => join(made.path, name);
      await mkdir(at("granted"));
      await writeFile(at("secret"), "secret");
      await symlink("../secret", at("granted/up"));
      await symlink(at("not-there"), at("granted/nowhere"));
      await symlink("..", at("granted/parent"));
      const root = hostDirectory(at("granted"), reach);
      refuses(ERRNO.loop, () => root.openFile("up", READ));
      refuses(ERRNO.loop, () => root.openFile("up", { ...WRITE, truncate: true }));
      refuses(ERRNO.loop, () => root.openFile("nowhere", { ...WRITE, create: true }));
      refuses(ERRNO.exist, () =>
        root.openFile("nowhere", { ...WRITE, create: true, exclusive: true }),
      );
      refuses(ERRNO.loop, () => root.openDirectory("parent"));
      root.setTimesAt("up", { modifiedNs: 5_000_000_000n });
      assert.equal((await lstat(at("granted/up"))).mtimeMs, 5000);
      root.link("up", root, "other");
      assert.equal(root.statAt("other")?.type, FILETYPE.symbolicLink);
      root.unlink("up");
      assert.equal(existsSync(at("not-there")), false);
      assert.equal(await readFile(at("secret"), "utf8"), "secret");
      root.close();
    },
  );
}

test("hostDirectory() by paths refuses a name once something else stands in its place", async () => {
  await using made = await temporaryFolder();
  const at = (name: string) => join(made.path, name);
  await mkdir(at("granted/sub"), { recursive: true });
  await mkdir(at("outside"));
  const root = hostDirectory(at("granted"), "paths");
  const sub = root.openDirectory("sub");
  await rename(at("granted/sub"), at("granted/moved"));
  await symlink(at("outside"), at("granted/sub"));
  refuses(ERRNO.noent, () => sub.openFile("made", { ...WRITE, create: true }));
  refuses(ERRNO.noent, () => sub.entries());
  assert.equal(sub.stat().type, FILETYPE.directory);
  assert.deepEqual(readdirSync(at("outside")), []);
  sub.close();
  root.close();
});

test("hostDirectory() tells a time as it was set, until the file is changed", async () => {
  await using made = await temporaryFolder();
  const root = hostDirectory(made.path);
  const file = root.openFile("a", { ...READ, write: true, create: true });
  const before = file.stat();
  for (const modifiedNs of [1_700_000_000_123_456_789n, 1n, 999_999_999n, before.modifiedNs - 1n]) {
    file.setTimes({ modifiedNs });
    assert.equal(file.stat().modifiedNs, modifiedNs);
    assert.equal(root.statAt("a")?.modifiedNs, modifiedNs);
    assert.equal(file.stat().accessedNs, before.accessedNs);
    const { mtimeNs } = await lstat(join(made.path, "a"), { bigint: true });
    assert.ok(mtimeNs - modifiedNs < 240n && modifiedNs - mtimeNs < 240n);
  }
  file.setTimes({ modifiedNs: 1_000_000_000_000_000_001n });
  file.write(0n, Buffer.from("changed"));
  assert.ok(file.stat().modifiedNs >= before.modifiedNs);
  file.close();
  root.close();
});

test("hostDirectory() appends at the end, wherever another program has moved it", async () => {
  await using made = await temporaryFolder();
  const path = join(made.path, "log");
  const root = hostDirectory(made.path);
  const file = root.openFile("log", { ...WRITE, create: true });
  assert.equal(file.write(null, Buffer.from("one,")), 4);
  await writeFile(path, "another,", { flag: "a" });
  assert.equal(file.write(null, Buffer.from("two")), 3);
  assert.equal(await readFile(path, "utf8"), "one,another,two");
  file.close();
  root.close();
});

test("hostDirectory() refuses a size and a place that no file can have", async () => {
  await using made = await temporaryFolder();
  const root = hostDirectory(made.path);
  const file = root.openFile("a", { ...READ, write: true, create: true });
  refuses(ERRNO.inval, () => file.setSize(2n ** 63n));
  refuses(ERRNO.fbig, () => file.setSize(2n ** 62n));
  refuses(ERRNO.fbig, () => file.write(2n ** 62n, new Uint8Array(1)));
  refuses(ERRNO.inval, () => file.read(2n ** 64n - 1n, new Uint8Array(1)));
  assert.equal(file.read(2n ** 62n, new Uint8Array(1)), 0);
  file.close();
  root.close();
});

test(
  "hostDirectory() closes what it has opened, also where it then refuses",
  LINUX_ONLY,
  async () => {
    await using made = await temporaryFolder();
    await mkdir(join(made.path, "sub"));
    await symlink("sub", join(made.path, "link"));
    await writeFile(join(made.path, "file"), "");
    const root = hostDirectory(made.path);
    const open = () =>
      readdirSync("/proc/self/fd").filter((fd) => linkOf(fd).startsWith(made.path)).length;
    assert.equal(open(), 1);
    refuses(ERRNO.isdir, () => root.openFile("sub", READ));
    refuses(ERRNO.notdir, () => root.openDirectory("file"));
    refuses(ERRNO.loop, () => root.openDirectory("link"));
    refuses(ERRNO.noent, () => root.openDirectory("none"));
    const file = root.openFile("file", WRITE);
    file.write(null, Buffer.from("appended"));
    root.sync();
    root.reopen().close();
    file.close();
    assert.equal(open(), 1);
    root.close();
    assert.equal(open(), 0);
  },
);

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ""; // the one that read the folder
  }
}
