import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ERRNO, WasiError } from "./errno.ts";
import { FILETYPE, type Directory, type OpenFile, type OpenMode } from "./files.ts";

/** An empty directory of its own for each test. */
export interface Root extends AsyncDisposable {
  readonly directory: Directory;
}

const READ: OpenMode = {
  read: true,
  write: false,
  create: false,
  exclusive: false,
  truncate: false,
};
const WRITE: OpenMode = { ...READ, write: true };
const CREATE: OpenMode = { ...WRITE, create: true };
const EXCLUSIVE: OpenMode = { ...CREATE, exclusive: true };
const TRUNCATE: OpenMode = { ...WRITE, truncate: true };

/** Sentences of the suite that a driver cannot keep, and why not. */
export type Skips = Readonly<Record<string, string>>;

/** What every driver that can be written to must do: the promises of files.ts. */
export function testFiles(name: string, makeRoot: () => Promise<Root>, skips: Skips = {}): void {
  const check = (sentence: string, body: (root: Directory) => void): void => {
    test(sentence, { skip: skips[sentence] ?? false }, async () => {
      await using root = await makeRoot();
      body(root.directory);
    });
  };

  describe(`${name}: files`, () => {
    check("openFile() makes a file only where it is told to", (root) => {
      refuses("noent", () => root.openFile("a", WRITE));
      root.openFile("a", CREATE).close();
      root.openFile("a", CREATE).close();
      assert.equal(root.statAt("a")?.type, FILETYPE.regularFile);
      assert.equal(root.statAt("a")?.size, 0n);
    });

    check("openFile() with exclusive refuses whatever is there", (root) => {
      root.openFile("file", EXCLUSIVE).close();
      root.createDirectory("directory");
      root.symlink("link", "nowhere");
      for (const taken of ["file", "directory", "link"]) {
        refuses("exist", () => root.openFile(taken, EXCLUSIVE));
      }
    });

    check("openFile() opens no directory and follows no link", (root) => {
      root.createDirectory("directory");
      root.openFile("file", CREATE).close();
      root.symlink("link", "file");
      for (const mode of [READ, WRITE, CREATE, TRUNCATE]) {
        refuses("isdir", () => root.openFile("directory", mode));
        refuses("loop", () => root.openFile("link", mode));
      }
    });

    check("openFile() with truncate empties a file, also one that is only read", (root) => {
      put(root, "file", "something");
      root.openFile("file", TRUNCATE).close();
      assert.equal(get(root, "file"), "");
      put(root, "file", "again");
      root.openFile("file", { ...READ, truncate: true }).close();
      assert.equal(get(root, "file"), "");
    });

    check("write() and read() go to where they are told", (root) => {
      const file = root.openFile("file", { ...CREATE, read: true });
      assert.equal(file.write(0n, bytes("0123456789")), 10);
      assert.equal(file.write(3n, bytes("abc")), 3);
      const into = new Uint8Array(4);
      assert.equal(file.read(2n, into), 4);
      assert.equal(text(into), "2abc");
      assert.equal(file.read(8n, into), 2);
      assert.equal(text(into.subarray(0, 2)), "89");
      assert.equal(file.read(10n, into), 0);
      assert.equal(file.read(2n ** 40n, into), 0);
      assert.equal(file.read(0n, new Uint8Array(0)), 0);
      file.close();
    });

    check("write() behind the end leaves zeros between", (root) => {
      const file = root.openFile("file", { ...CREATE, read: true });
      file.write(0n, bytes("ab"));
      file.write(5n, bytes("cd"));
      file.write(100n, new Uint8Array(0));
      assert.equal(file.stat().size, 7n);
      file.close();
      assert.equal(get(root, "file"), "ab\0\0\0cd");
    });

    check("write() without a position appends, whoever else has written", (root) => {
      const one = root.openFile("file", CREATE);
      const other = root.openFile("file", WRITE);
      one.write(null, bytes("one"));
      other.write(null, bytes("two"));
      one.write(null, bytes("three"));
      assert.equal(get(root, "file"), "onetwothree");
      one.close();
      other.close();
    });

    check("setSize() cuts, and grows with zeros", (root) => {
      const file = root.openFile("file", { ...CREATE, read: true });
      file.write(0n, bytes("0123456789"));
      file.setSize(4n);
      assert.equal(file.stat().size, 4n);
      file.setSize(8n);
      assert.equal(get(root, "file"), "0123\0\0\0\0");
      file.setSize(0n);
      file.setSize(2n);
      assert.equal(get(root, "file"), "\0\0");
      file.close();
    });

    check("allocate() makes a file large enough, and never smaller", (root) => {
      const file = root.openFile("file", CREATE);
      file.allocate(0n, 100n);
      assert.equal(file.stat().size, 100n);
      file.allocate(10n, 10n);
      assert.equal(file.stat().size, 100n);
      file.allocate(90n, 20n);
      assert.equal(file.stat().size, 110n);
      file.close();
    });

    check("an open file outlives its name", (root) => {
      const file = root.openFile("file", { ...CREATE, read: true });
      file.write(0n, bytes("kept"));
      root.unlink("file");
      assert.equal(root.statAt("file"), undefined);
      assert.equal(file.stat().links, 0n);
      file.write(null, bytes(" and changed"));
      const into = new Uint8Array(20);
      assert.equal(text(into.subarray(0, file.read(0n, into))), "kept and changed");
      put(root, "file", "another");
      assert.equal(file.stat().size, 16n);
      file.close();
    });

    check("setTimes() sets what it is given to the nanosecond, and leaves the rest", (root) => {
      const file = root.openFile("file", CREATE);
      const before = file.stat();
      file.setTimes({ modifiedNs: 1_234_567_890_123_456_789n });
      assert.equal(file.stat().modifiedNs, 1_234_567_890_123_456_789n);
      assert.equal(file.stat().accessedNs, before.accessedNs);
      file.setTimes({ accessedNs: 42n });
      assert.equal(root.statAt("file")?.accessedNs, 42n);
      assert.equal(root.statAt("file")?.modifiedNs, 1_234_567_890_123_456_789n);
      file.close();
    });

    check("a write is seen in the file's times", (root) => {
      const file = root.openFile("file", CREATE);
      file.setTimes({ modifiedNs: 5n });
      file.write(0n, bytes("x"));
      assert.ok(file.stat().modifiedNs > 1_600_000_000_000_000_000n);
      file.sync(true);
      file.sync(false);
      file.close();
    });
  });

  describe(`${name}: directories`, () => {
    check(
      "stat() tells directories, files and links apart, each by an inode of its own",
      (root) => {
        root.createDirectory("directory");
        put(root, "file", "12345");
        root.symlink("link", "file");
        const stats = ["directory", "file", "link"].map((each) => root.statAt(each)!);
        assert.deepEqual(
          stats.map(({ type }) => type),
          [FILETYPE.directory, FILETYPE.regularFile, FILETYPE.symbolicLink],
        );
        assert.equal(stats[1]!.size, 5n);
        assert.equal(stats[2]!.size, 4n);
        assert.equal(root.stat().type, FILETYPE.directory);
        const inodes = [root.stat(), ...stats].map(({ inode }) => inode);
        assert.equal(new Set(inodes).size, 4);
        assert.equal(new Set([root.stat(), ...stats].map(({ device }) => device)).size, 1);
      },
    );

    check("entries() lists all that is there, without dots", (root) => {
      assert.deepEqual(root.entries(), []);
      root.createDirectory("directory");
      put(root, "file", "");
      root.symlink("zwölf", "file");
      const listed = root.entries().toSorted((a, b) => (a.name < b.name ? -1 : 1));
      assert.deepEqual(
        listed.map(({ name, type }) => [name, type]),
        [
          ["directory", FILETYPE.directory],
          ["file", FILETYPE.regularFile],
          ["zwölf", FILETYPE.symbolicLink],
        ],
      );
      for (const { name, inode } of listed) assert.equal(root.statAt(name)?.inode, inode);
      assert.deepEqual(root.entries(), root.entries());
    });

    check("openDirectory() opens a directory and nothing else", (root) => {
      root.createDirectory("directory");
      put(root, "file", "");
      root.symlink("link", "directory");
      refuses("noent", () => root.openDirectory("missing"));
      refuses("notdir", () => root.openDirectory("file"));
      refuses("loop", () => root.openDirectory("link"));
      const inner = root.openDirectory("directory");
      put(inner, "deep", "x");
      assert.equal(inner.stat().inode, root.statAt("directory")?.inode);
      inner.close();
    });

    check("reopen() gives a handle that outlives the one it came from", (root) => {
      root.createDirectory("directory");
      const first = root.openDirectory("directory");
      const second = first.reopen();
      first.close();
      put(second, "file", "x");
      assert.equal(get(second, "file"), "x");
      second.close();
    });

    check("createDirectory() refuses a name that is taken", (root) => {
      root.createDirectory("directory");
      put(root, "file", "");
      root.symlink("link", "nowhere");
      for (const taken of ["directory", "file", "link"]) {
        refuses("exist", () => root.createDirectory(taken));
      }
    });

    check("removeDirectory() removes an empty directory and nothing else", (root) => {
      root.createDirectory("directory");
      put(root, "file", "");
      root.symlink("link", "directory");
      refuses("noent", () => root.removeDirectory("missing"));
      refuses("notdir", () => root.removeDirectory("file"));
      refuses("notdir", () => root.removeDirectory("link"));
      const inner = root.openDirectory("directory");
      put(inner, "deep", "");
      refuses("notempty", () => root.removeDirectory("directory"));
      inner.unlink("deep");
      root.removeDirectory("directory");
      assert.equal(root.statAt("directory"), undefined);
      inner.close();
    });

    check(
      "a directory that is removed while it is open can be looked at, and takes nothing",
      (root) => {
        root.createDirectory("directory");
        put(root, "file", "");
        const inner = root.openDirectory("directory");
        root.removeDirectory("directory");
        assert.equal(inner.stat().type, FILETYPE.directory);
        assert.deepEqual(inner.entries(), []);
        refuses("noent", () => inner.openFile("new", CREATE));
        refuses("noent", () => inner.createDirectory("new"));
        refuses("noent", () => inner.symlink("new", "x"));
        refuses("noent", () => root.link("file", inner, "new"));
        refuses("noent", () => root.rename("file", inner, "new"));
        inner.close();
      },
    );

    check(
      "unlink() removes a file or a link, not what the link names, and no directory",
      (root) => {
        put(root, "file", "x");
        root.symlink("link", "file");
        root.createDirectory("directory");
        refuses("noent", () => root.unlink("missing"));
        refuses("isdir", () => root.unlink("directory"));
        root.unlink("link");
        assert.equal(get(root, "file"), "x");
        root.unlink("file");
        refuses("noent", () => root.unlink("file"));
      },
    );

    check("setTimesAt() sets the times of a link itself", (root) => {
      put(root, "file", "");
      root.symlink("link", "file");
      const file = root.statAt("file")!;
      root.setTimesAt("link", { modifiedNs: 1_000_000_007n });
      assert.equal(root.statAt("link")?.modifiedNs, 1_000_000_007n);
      assert.equal(root.statAt("file")?.modifiedNs, file.modifiedNs);
      refuses("noent", () => root.setTimesAt("missing", { modifiedNs: 0n }));
      root.setTimes({ accessedNs: 3n, modifiedNs: 4n });
      assert.equal(root.stat().modifiedNs, 4n);
      root.sync();
    });
  });

  describe(`${name}: links`, () => {
    check("readLink() gives the target as it was given", (root) => {
      for (const target of ["a", "../../b/", "zwölf/é", "."]) {
        root.symlink("link", target);
        assert.equal(root.readLink("link"), target);
        root.unlink("link");
      }
      put(root, "file", "");
      root.createDirectory("directory");
      refuses("inval", () => root.readLink("file"));
      refuses("inval", () => root.readLink("directory"));
      refuses("noent", () => root.readLink("missing"));
      refuses("exist", () => root.symlink("file", "x"));
    });

    check("link() gives a file a second name", (root) => {
      put(root, "file", "x");
      root.createDirectory("directory");
      const inner = root.openDirectory("directory");
      root.link("file", inner, "same");
      assert.equal(inner.statAt("same")?.inode, root.statAt("file")?.inode);
      assert.equal(root.statAt("file")?.links, 2n);
      put(inner, "same", "changed");
      assert.equal(get(root, "file"), "changed");
      root.unlink("file");
      assert.equal(get(inner, "same"), "changed");
      assert.equal(inner.statAt("same")?.links, 1n);
      inner.close();
    });

    check("link() links a symbolic link itself", (root) => {
      root.symlink("link", "nowhere");
      root.link("link", root, "other");
      assert.equal(root.readLink("other"), "nowhere");
      assert.equal(root.statAt("other")?.inode, root.statAt("link")?.inode);
    });

    check("link() refuses a directory, and a name that is taken", (root) => {
      put(root, "file", "");
      root.createDirectory("directory");
      root.symlink("link", "nowhere");
      refuses("perm", () => root.link("directory", root, "new"));
      refuses("noent", () => root.link("missing", root, "new"));
      for (const taken of ["file", "directory", "link"]) {
        refuses("exist", () => root.link("file", root, taken));
      }
    });
  });

  describe(`${name}: renaming`, () => {
    check("rename() moves a file, over another one too", (root) => {
      put(root, "a", "a");
      put(root, "b", "b");
      const replaced = root.openFile("b", READ);
      root.rename("a", root, "b");
      assert.equal(root.statAt("a"), undefined);
      assert.equal(get(root, "b"), "a");
      assert.equal(readAll(replaced), "b");
      replaced.close();
      root.createDirectory("directory");
      const inner = root.openDirectory("directory");
      root.rename("b", inner, "c");
      assert.equal(get(inner, "c"), "a");
      refuses("noent", () => root.rename("b", inner, "d"));
      inner.close();
    });

    check("rename() moves a directory with all that is in it, over an empty one too", (root) => {
      root.createDirectory("a");
      root.createDirectory("b");
      const a = root.openDirectory("a");
      put(a, "file", "x");
      root.rename("a", root, "b");
      const b = root.openDirectory("b");
      assert.equal(get(b, "file"), "x");
      // The handle stays on what it was opened on.
      put(a, "second", "y");
      assert.equal(get(b, "second"), "y");
      root.createDirectory("c");
      refuses("notempty", () => root.rename("c", root, "b"));
      a.close();
      b.close();
    });

    check("rename() refuses to put a file for a directory, and the other way round", (root) => {
      put(root, "file", "");
      root.createDirectory("directory");
      refuses("isdir", () => root.rename("file", root, "directory"));
      refuses("notdir", () => root.rename("directory", root, "file"));
    });

    check("rename() refuses to move a directory into itself", (root) => {
      root.createDirectory("a");
      const a = root.openDirectory("a");
      a.createDirectory("b");
      const b = a.openDirectory("b");
      refuses("inval", () => root.rename("a", a, "c"));
      refuses("inval", () => root.rename("a", b, "c"));
      refuses("notempty", () => a.rename("b", root, "a"));
      b.close();
      a.close();
    });

    check("rename() of a name to itself, or to the same file, does nothing", (root) => {
      put(root, "a", "x");
      root.link("a", root, "b");
      root.rename("a", root, "a");
      root.rename("a", root, "b");
      assert.equal(get(root, "a"), "x");
      assert.equal(get(root, "b"), "x");
    });

    check("rename() moves a link and not what it names", (root) => {
      put(root, "file", "x");
      root.symlink("link", "file");
      root.rename("link", root, "moved");
      assert.equal(root.readLink("moved"), "file");
      root.rename("file", root, "moved");
      assert.equal(get(root, "moved"), "x");
    });
  });
}

function refuses(code: keyof typeof ERRNO, action: () => unknown): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof WasiError, String(error));
    assert.equal(nameOf(error.errno), code);
    return true;
  });
}

function nameOf(errno: number): string | undefined {
  return Object.entries(ERRNO).find(([, value]) => value === errno)?.[0];
}

function put(directory: Directory, name: string, content: string): void {
  const file = directory.openFile(name, { ...CREATE, truncate: true });
  file.write(0n, bytes(content));
  file.close();
}

function get(directory: Directory, name: string): string {
  const file = directory.openFile(name, READ);
  const content = readAll(file);
  file.close();
  return content;
}

function readAll(file: OpenFile): string {
  const into = new Uint8Array(Number(file.stat().size));
  assert.equal(file.read(0n, into), into.length);
  return text(into);
}

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function text(content: Uint8Array): string {
  return new TextDecoder().decode(content);
}
