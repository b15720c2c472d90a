import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_RIGHTS, Caller, type Code } from "../../testing/caller.ts";
import { snapshotDirectory } from "../files/snapshot.ts";
import { memoryTree } from "../files/tree.ts";
import { FDFLAG, FSTFLAG, OFLAG } from "./flags.ts";
import { RIGHT } from "./rights.ts";

const SCRATCH = 3;
const MOUNT = 4;
const READ = BigInt(RIGHT.fdRead);
const WRITE = BigInt(RIGHT.fdWrite);
const STAT_AT = 40_000;

/** A scratch directory at 3, and at 4 a mount that holds `file`, `directory/deep` and a link. */
function guest(limitBytes = 1024 * 1024): Caller {
  const scratch = memoryTree({
    limitBytes,
    device: 1n,
    now: () => BigInt(Date.now()) * 1_000_000n,
  });
  const bytes = new SharedArrayBuffer(8);
  new Uint8Array(bytes).set(new TextEncoder().encode("filedeep"));
  const mount = snapshotDirectory(
    {
      bytes,
      nodes: [
        {
          kind: "directory",
          entries: [
            { name: "directory", node: 1 },
            { name: "file", node: 3 },
            { name: "link", node: 4 },
          ],
        },
        { kind: "directory", entries: [{ name: "deep", node: 2 }] },
        { kind: "file", at: 4, length: 4 },
        { kind: "file", at: 0, length: 4 },
        { kind: "link", target: "directory/deep" },
      ],
    },
    2n,
  );
  return new Caller({
    preopens: [
      { name: "/tmp", directory: scratch },
      { name: "/data", directory: mount },
    ],
  });
}

function made(caller: Caller, path: string, content: string, opening = {}): number {
  const open = { open: OFLAG.create, rights: READ | WRITE | ALL_RIGHTS, ...opening };
  const fd = caller.open(SCRATCH, path, open) as number;
  assert.equal(typeof fd, "number", String(fd));
  assert.equal(caller.write(fd, content), content.length);
  return fd;
}

function rights(caller: Caller, fd: number): { base: number; inheriting: number; flags: number } {
  assert.equal(caller.call("fd_fdstat_get", fd, STAT_AT), "success");
  const flags = caller.u32(STAT_AT) >>> 16;
  return { base: caller.u32(STAT_AT + 8), inheriting: caller.u32(STAT_AT + 16), flags };
}

test("the grants are the descriptors from 3 on, under their names", () => {
  const caller = guest();
  assert.equal(caller.call("fd_prestat_get", SCRATCH, STAT_AT), "success");
  assert.deepEqual([caller.u32(STAT_AT), caller.u32(STAT_AT + 4)], [0, 4]);
  assert.equal(caller.call("fd_prestat_dir_name", MOUNT, STAT_AT, 100), "success");
  assert.equal(caller.text(STAT_AT, 5), "/data");
  assert.equal(caller.call("fd_prestat_dir_name", MOUNT, STAT_AT, 4), "nametoolong");
  assert.equal(caller.call("fd_prestat_get", 5, STAT_AT), "badf");
});

test("path_open() gives the lowest free number, and MFILE when there are 1,024", () => {
  const caller = guest();
  const fds = ["a", "b", "c"].map((name) => made(caller, name, ""));
  assert.deepEqual(fds, [5, 6, 7]);
  assert.equal(caller.call("fd_close", 6), "success");
  assert.equal(caller.call("fd_close", 0), "success");
  assert.equal(made(caller, "d", ""), 0);
  assert.equal(made(caller, "e", ""), 6);
  let last: number | Code = 0;
  let opened = 0;
  for (; typeof last === "number" && opened < 2_000; opened += 1) last = caller.open(SCRATCH, "a");
  assert.equal(last, "mfile");
  assert.equal(opened, 1024 - 8 + 1);
  // What cannot be opened is not made either.
  assert.equal(caller.open(SCRATCH, "new", { open: OFLAG.create }), "mfile");
  assert.equal(caller.stat(SCRATCH, "new"), "noent");
});

test("fd_renumber() moves what is open, over streams and grants too, and closes what was there", () => {
  const caller = guest();
  const fd = made(caller, "a", "content");
  assert.equal(caller.call("fd_renumber", fd, 1), "success");
  assert.equal(caller.call("fd_close", fd), "badf");
  assert.equal(caller.write(1, "more"), 4);
  assert.equal(caller.output.length, 0);
  assert.equal(caller.call("fd_renumber", MOUNT, SCRATCH), "success");
  assert.equal(typeof caller.stat(SCRATCH, "directory/deep"), "object");
  assert.equal(caller.call("fd_renumber", SCRATCH, SCRATCH), "success");
  assert.equal(caller.call("fd_renumber", SCRATCH, 77), "badf");
});

test("rights that were given up are gone, for what is opened later too", () => {
  const caller = guest();
  const all = rights(caller, SCRATCH);
  assert.equal(caller.call("fd_fdstat_set_rights", SCRATCH, ALL_RIGHTS, 0n), "notcapable");
  const base = BigInt(all.base & ~RIGHT.pathCreateDirectory & ~RIGHT.pathFilestatSetSize);
  const inheriting = BigInt(all.inheriting & ~RIGHT.fdWrite);
  assert.equal(caller.call("fd_fdstat_set_rights", SCRATCH, base, inheriting), "success");
  assert.equal(caller.call("path_create_directory", SCRATCH, "d"), "notcapable");
  assert.equal(caller.open(SCRATCH, "f", { open: OFLAG.create | OFLAG.truncate }), "notcapable");
  assert.equal(caller.open(SCRATCH, "f", { open: OFLAG.create, rights: WRITE }), "notcapable");
  const fd = caller.open(SCRATCH, "f", { open: OFLAG.create, rights: READ }) as number;
  assert.equal(rights(caller, fd).base & RIGHT.fdWrite, 0);
  assert.equal(caller.write(fd, "x"), "badf");
});

test("path_open() gives the rights that are asked for, where they apply, and no others", () => {
  const caller = guest();
  assert.equal(caller.call("path_create_directory", SCRATCH, "d"), "success");
  const asked = READ | WRITE | BigInt(RIGHT.pathOpen | RIGHT.fdReaddir);
  const file = caller.open(SCRATCH, "f", { open: OFLAG.create, rights: asked }) as number;
  assert.equal(rights(caller, file).base, RIGHT.fdRead | RIGHT.fdWrite);
  assert.equal(rights(caller, file).inheriting, 0);
  assert.equal(caller.call("fd_tell", file, STAT_AT), "notcapable");
  const directory = caller.open(SCRATCH, "d", { rights: asked & ~WRITE }) as number;
  assert.equal(rights(caller, directory).base, RIGHT.pathOpen | RIGHT.fdReaddir);
  assert.equal(rights(caller, directory).inheriting, 0);
  assert.equal(caller.call("path_create_directory", directory, "x"), "notcapable");
  assert.equal(caller.open(directory, "x", { rights: READ }), "notcapable");
});

test("what is open for one of reading and writing cannot do the other", () => {
  const caller = guest();
  made(caller, "a", "content");
  const toRead = READ | BigInt(RIGHT.filestatSetSize);
  const reading = caller.open(SCRATCH, "a", { rights: toRead }) as number;
  assert.equal(caller.write(reading, "x"), "badf");
  assert.equal(caller.call("fd_filestat_set_size", reading, 0n), "inval");
  const writing = caller.open(SCRATCH, "a", { rights: WRITE }) as number;
  assert.equal(caller.read(writing), "badf");
  assert.equal(caller.read(reading), "content");
});

test("fd_seek() and fd_tell() count from the start, the position and the end", () => {
  const caller = guest();
  const fd = made(caller, "a", "0123456789");
  const seek = (offset: bigint, whence: number) => {
    const code = caller.call("fd_seek", fd, offset, whence, STAT_AT);
    return code === "success" ? Number(caller.u64(STAT_AT)) : code;
  };
  assert.equal(seek(-3n, 2), 7);
  assert.equal(caller.read(fd), "789");
  assert.equal(seek(-8n, 1), 2);
  assert.equal(seek(4n, 0), 4);
  assert.equal(seek(-5n, 1), "inval");
  assert.equal(seek(0n, 3), "inval");
  assert.equal(seek(2n ** 62n, 0), 2 ** 62);
  assert.equal(seek(2n ** 62n, 1), "inval");
  assert.equal(caller.read(fd), "");
  assert.equal(caller.write(fd, "x"), "fbig");
  assert.equal(caller.call("fd_seek", 0, 0n, 0, STAT_AT), "spipe");
  assert.equal(caller.call("fd_seek", SCRATCH, 0n, 0, STAT_AT), "badf");
});

test("FDFLAG append writes to the end, until it is taken away", () => {
  const caller = guest();
  const fd = made(caller, "a", "one", { flags: FDFLAG.append | FDFLAG.sync });
  assert.equal(rights(caller, fd).flags, FDFLAG.append | FDFLAG.sync);
  assert.equal(caller.call("fd_seek", fd, 0n, 0, STAT_AT), "success");
  assert.equal(caller.write(fd, "two"), 3);
  assert.equal(caller.call("fd_tell", fd, STAT_AT), "success");
  assert.equal(caller.u64(STAT_AT), 6n);
  // An offset counts for more; the position stays where it was.
  assert.equal(caller.write(fd, "___", 0n), 3);
  assert.equal(caller.call("fd_tell", fd, STAT_AT), "success");
  assert.equal(caller.u64(STAT_AT), 6n);
  assert.equal(caller.call("fd_fdstat_set_flags", fd, 0), "success");
  assert.equal(caller.call("fd_seek", fd, 0n, 0, STAT_AT), "success");
  assert.equal(caller.read(fd), "___two");
  assert.equal(caller.call("fd_seek", fd, 0n, 0, STAT_AT), "success");
  assert.equal(caller.write(fd, "ONE"), 3);
  assert.equal(caller.read(fd), "two");
  assert.equal(caller.call("fd_fdstat_set_flags", fd, 32), "inval");
});

test("fd_readdir() begins with dots, cuts what does not fit, and goes on behind any cookie", () => {
  const caller = guest();
  for (let file = 0; file < 100; file += 1) made(caller, `file-${file}`, "");
  const seen: string[] = [];
  let cookie = 0n;
  for (;;) {
    const { names, cookie: next } = caller.list(SCRATCH, 100, cookie);
    if (names.length === 0) break;
    seen.push(...names);
    cookie = next;
  }
  assert.equal(seen.length, 102);
  assert.equal(new Set(seen).size, 102);
  assert.deepEqual(seen.slice(0, 2), [".", ".."]);
  assert.deepEqual(caller.list(SCRATCH, 100, 100n).names, seen.slice(100, 103));
  assert.deepEqual(caller.list(SCRATCH, 100, 2n ** 63n).names, []);
  assert.equal(caller.call("fd_readdir", SCRATCH, STAT_AT, 10, 0n, 0), "success");
  assert.equal(caller.u32(0), 10);
  assert.equal(caller.call("fd_readdir", 0, STAT_AT, 10, 0n, 0), "notdir");
});

test("fd_readdir() skips nothing for those who remove what they read", () => {
  const caller = guest();
  for (let file = 0; file < 50; file += 1) {
    assert.equal(caller.call("fd_close", made(caller, `file-${file}`, "")), "success");
  }
  let cookie = 0n;
  for (;;) {
    const { names, cookie: next } = caller.list(SCRATCH, 200, cookie);
    if (names.length === 0) break;
    for (const name of names) {
      if (name.startsWith(".")) continue;
      assert.equal(caller.call("path_unlink_file", SCRATCH, name), "success");
    }
    cookie = next;
  }
  assert.deepEqual(caller.list(SCRATCH).names, [".", ".."]);
});

test("fd_readdir() goes on through many directories at a time", () => {
  const caller = guest();
  const fds = Array.from({ length: 20 }, () =>
    caller.open(MOUNT, ".", { rights: ALL_RIGHTS & ~WRITE }),
  );
  for (const fd of fds) assert.deepEqual(caller.list(fd as number, 60).names, [".", ".."]);
  for (const fd of fds) {
    assert.deepEqual(caller.list(fd as number, 4096, 2n).names, ["directory", "file", "link"]);
  }
});

test("a mount is read, and refuses with ROFS whatever would change it", () => {
  const caller = guest();
  const read = (path: string) => caller.read(caller.open(MOUNT, path) as number);
  assert.equal(read("file"), "file");
  assert.equal(read("directory/deep"), "deep");
  assert.equal(read("link"), "deep");
  assert.equal(caller.readLink(MOUNT, "link"), "directory/deep");
  assert.deepEqual(caller.list(MOUNT).names, [".", "..", "directory", "file", "link"]);
  const file = caller.open(MOUNT, "file", { rights: BigInt(RIGHT.filestatSetTimes) }) as number;
  const changes: readonly Code[] = [
    caller.open(MOUNT, "file", { rights: WRITE }) as Code,
    caller.open(MOUNT, "file", { open: OFLAG.truncate }) as Code,
    caller.open(MOUNT, "new", { open: OFLAG.create }) as Code,
    caller.call("path_create_directory", MOUNT, "new"),
    caller.call("path_remove_directory", MOUNT, "directory"),
    caller.call("path_unlink_file", MOUNT, "file"),
    caller.call("path_symlink", "x", MOUNT, "new"),
    caller.call("path_rename", MOUNT, "file", MOUNT, "new"),
    caller.call("path_link", MOUNT, 0, "file", MOUNT, "new"),
    caller.call("path_filestat_set_times", MOUNT, 0, "file", 0n, 0n, FSTFLAG.accessed),
    caller.call("fd_filestat_set_times", file, 0n, 0n, FSTFLAG.modifiedNow),
    caller.call("fd_filestat_set_times", MOUNT, 0n, 0n, FSTFLAG.modifiedNow),
  ];
  assert.deepEqual(new Set(changes), new Set(["rofs"]));
  assert.equal(caller.call("path_create_directory", MOUNT, "directory"), "exist");
  assert.equal(caller.call("path_unlink_file", MOUNT, "missing"), "noent");
  assert.equal(caller.call("path_link", SCRATCH, 0, "x", MOUNT, "new"), "noent");
  assert.equal(caller.call("path_link", SCRATCH, 0, "x", 99, "new"), "badf");
  made(caller, "x", "");
  assert.equal(caller.call("path_link", SCRATCH, 0, "x", MOUNT, "new"), "xdev");
  assert.equal(caller.call("path_rename", SCRATCH, "x", MOUNT, "new"), "xdev");
});

test("a path that ends in a slash names a directory", () => {
  const caller = guest();
  made(caller, "file", "");
  assert.equal(caller.call("path_create_directory", SCRATCH, "directory/"), "success");
  assert.equal(caller.call("path_symlink", "directory", SCRATCH, "link"), "success");
  const answers: readonly (readonly [unknown, Code])[] = [
    [caller.open(SCRATCH, "file/"), "notdir"],
    [caller.open(SCRATCH, "new/", { open: OFLAG.create }), "isdir"],
    [caller.stat(SCRATCH, "file/"), "notdir"],
    [caller.call("path_unlink_file", SCRATCH, "file/"), "notdir"],
    [caller.call("path_unlink_file", SCRATCH, "directory/"), "isdir"],
    [caller.call("path_unlink_file", SCRATCH, "link/"), "notdir"],
    [caller.call("path_unlink_file", SCRATCH, "new/"), "noent"],
    [caller.call("path_remove_directory", SCRATCH, "file/"), "notdir"],
    [caller.call("path_remove_directory", SCRATCH, "link/"), "notdir"],
    [caller.call("path_symlink", "x", SCRATCH, "new/"), "noent"],
    [caller.call("path_symlink", "x", SCRATCH, "directory/"), "exist"],
    [caller.call("path_link", SCRATCH, 0, "file", SCRATCH, "new/"), "noent"],
    [caller.call("path_link", SCRATCH, 0, "file/", SCRATCH, "new"), "notdir"],
    [caller.call("path_rename", SCRATCH, "file", SCRATCH, "new/"), "notdir"],
    [caller.call("path_rename", SCRATCH, "file/", SCRATCH, "new"), "notdir"],
    [caller.call("path_rename", SCRATCH, "directory/", SCRATCH, "moved/"), "success"],
    [caller.call("path_remove_directory", SCRATCH, "moved/"), "success"],
  ];
  for (const [index, [actual, expected]] of answers.entries()) {
    assert.equal(actual, expected, String(index));
  }
});

test("a path that names nothing in a directory is refused as Linux does", () => {
  const caller = guest();
  assert.equal(caller.call("path_create_directory", SCRATCH, "d"), "success");
  for (const path of [".", "d/.."]) {
    assert.equal(caller.call("path_create_directory", SCRATCH, path), "exist");
    assert.equal(caller.call("path_remove_directory", SCRATCH, path), "inval");
    assert.equal(caller.call("path_unlink_file", SCRATCH, path), "isdir");
    assert.equal(caller.call("path_rename", SCRATCH, path, SCRATCH, "x"), "busy");
    assert.equal(caller.call("path_rename", SCRATCH, "d", SCRATCH, path), "busy");
    assert.equal(caller.call("path_link", SCRATCH, 0, path, SCRATCH, "x"), "perm");
    assert.equal(caller.call("path_symlink", "x", SCRATCH, path), "exist");
    assert.equal(caller.readLink(SCRATCH, path), "inval");
    assert.equal(caller.open(SCRATCH, path, { open: OFLAG.create }), "isdir");
    assert.equal(caller.open(SCRATCH, path, { rights: WRITE }), "isdir");
    assert.equal(typeof caller.open(SCRATCH, path, { open: OFLAG.directory }), "number");
  }
});

test("path_open() refuses what makes no sense", () => {
  const caller = guest();
  const fd = made(caller, "file", "");
  const open = (path: string, opening: object) => caller.open(SCRATCH, path, opening);
  assert.equal(open("file", { open: OFLAG.directory }), "notdir");
  assert.equal(open("d", { open: OFLAG.directory | OFLAG.create }), "inval");
  assert.equal(open("file", { open: 16 }), "inval");
  assert.equal(open("file", { flags: 32 }), "inval");
  assert.equal(open("file", { lookup: 2 }), "inval");
  assert.equal(open("file", { open: OFLAG.create | OFLAG.exclusive }), "exist");
  assert.equal(caller.open(fd, "x"), "notdir");
  assert.equal(caller.open(0, "x"), "notdir");
  assert.equal(caller.open(99, "x"), "badf");
});

test("a path from a hostile guest is refused before anything is made of it", () => {
  const caller = guest();
  const path = (bytes: Uint8Array | string) => caller.call("path_create_directory", SCRATCH, bytes);
  assert.equal(path("with\0zero"), "inval");
  assert.equal(path(new Uint8Array([0x61, 0xff])), "ilseq");
  assert.equal(path(new Uint8Array([0xed, 0xa0, 0x80])), "ilseq");
  assert.equal(path("x".repeat(4097)), "nametoolong");
  assert.equal(path("x".repeat(4096)), "nametoolong");
  assert.equal(path("x/".repeat(2000)), "noent");
  assert.equal(path("../".repeat(1000)), "perm");
  assert.equal(path(""), "noent");
  // A mark of byte order is a part of a name like any other.
  assert.equal(path("\ufefffile"), "success");
  assert.equal(caller.stat(SCRATCH, "file"), "noent");
  assert.equal(caller.call("path_symlink", "x".repeat(4097), SCRATCH, "link"), "nametoolong");
  assert.equal(caller.call("path_symlink", "", SCRATCH, "link"), "noent");
  assert.equal(caller.call("path_symlink", "/etc", SCRATCH, "link"), "perm");
  assert.equal(caller.call("path_create_directory", SCRATCH, 0xffff_fff0, 0x100), "fault");
  assert.equal(caller.call("fd_readdir", SCRATCH, 0xffff_0000, 0x1_0000, 0n, 0), "fault");
  assert.equal(caller.call("path_open", SCRATCH, 0, "\ufefffile", 0, 0n, 0n, 0, -4), "fault");
});

test("path_readlink() cuts what does not fit and touches nothing behind it", () => {
  const caller = guest();
  assert.equal(caller.call("path_symlink", "target", SCRATCH, "link"), "success");
  new Uint8Array(caller.memory.buffer).fill(0x2e, STAT_AT, STAT_AT + 10);
  assert.equal(caller.call("path_readlink", SCRATCH, "link", STAT_AT, 4, 0), "success");
  assert.equal(caller.u32(0), 4);
  assert.equal(caller.text(STAT_AT, 10), "targ......");
});

test("fd_filestat_set_times() and path_filestat_set_times() set what they are told", () => {
  const caller = guest();
  const fd = made(caller, "file", "x");
  const { accessed, accessedNow, modified, modifiedNow } = FSTFLAG;
  assert.equal(caller.call("fd_filestat_set_times", fd, 7n, 8n, accessed | modified), "success");
  assert.equal(caller.call("fd_filestat_get", fd, STAT_AT), "success");
  assert.deepEqual([caller.u64(STAT_AT + 40), caller.u64(STAT_AT + 48)], [7n, 8n]);
  const both = modified | modifiedNow;
  assert.equal(caller.call("fd_filestat_set_times", fd, 0n, 0n, both), "inval");
  assert.equal(
    caller.call("path_filestat_set_times", SCRATCH, 0, "file", 0n, 0n, accessed | accessedNow),
    "inval",
  );
  assert.equal(
    caller.call("path_filestat_set_times", SCRATCH, 0, "file", 0n, 0n, accessedNow),
    "success",
  );
  assert.equal(caller.call("fd_filestat_get", fd, STAT_AT), "success");
  assert.ok(caller.u64(STAT_AT + 40) > 1_600_000_000_000_000_000n);
  assert.equal(caller.u64(STAT_AT + 48), 8n);
});

test("fd_allocate(), fd_advise(), fd_sync() and their refusals", () => {
  const caller = guest();
  const fd = made(caller, "file", "x");
  assert.equal(caller.call("fd_allocate", fd, 0n, 100n), "success");
  assert.equal(caller.call("fd_allocate", fd, 0n, 0n), "inval");
  assert.equal(caller.call("fd_allocate", fd, 0n, 2n ** 40n), "nospc");
  assert.equal(caller.call("fd_allocate", SCRATCH, 0n, 1n), "badf");
  assert.equal(caller.call("fd_allocate", 1, 0n, 1n), "spipe");
  assert.equal(caller.call("fd_advise", fd, 0n, 0n, 5), "success");
  assert.equal(caller.call("fd_advise", fd, 0n, 0n, 6), "inval");
  for (const sync of ["fd_sync", "fd_datasync"]) {
    assert.equal(caller.call(sync, fd), "success");
    assert.equal(caller.call(sync, SCRATCH), "success");
    assert.equal(caller.call(sync, 1), "inval");
  }
});

test("poll_oneoff() finds a file always ready", () => {
  const caller = guest();
  const fd = made(caller, "file", "12345");
  const view = new DataView(caller.memory.buffer);
  const poll = (type: number, target: number) => {
    view.setBigUint64(STAT_AT, 42n, true);
    view.setUint8(STAT_AT + 8, type);
    view.setUint32(STAT_AT + 16, target, true);
    assert.equal(caller.call("poll_oneoff", STAT_AT, STAT_AT + 100, 1, 0), "success");
    const at = STAT_AT + 100;
    return [view.getUint16(at + 8, true), view.getBigUint64(at + 16, true)];
  };
  assert.deepEqual(poll(1, fd), [0, 0n]);
  assert.equal(caller.call("fd_seek", fd, 2n, 0, 0), "success");
  assert.deepEqual(poll(1, fd), [0, 3n]);
  assert.equal(poll(2, fd)[0], 0);
  assert.equal(poll(1, SCRATCH)[0], 8);
});

test("the CPU clocks and the others go forward", () => {
  const caller = guest();
  for (const clock of [0, 1, 2, 3]) {
    assert.equal(caller.call("clock_res_get", clock, STAT_AT), "success");
    assert.ok([1n, 1000n].includes(caller.u64(STAT_AT)));
    assert.equal(caller.call("clock_time_get", clock, 0n, STAT_AT), "success");
    const before = caller.u64(STAT_AT);
    assert.equal(caller.call("clock_time_get", clock, 0n, STAT_AT), "success");
    assert.ok(caller.u64(STAT_AT) >= before);
  }
  assert.equal(caller.call("clock_res_get", 4, STAT_AT), "inval");
});

test("what a run has opened and left is closed at its end", () => {
  const caller = guest(20_000);
  const fd = made(caller, "file", "x".repeat(8_000));
  assert.equal(caller.call("path_unlink_file", SCRATCH, "file"), "success");
  caller.context.end();
  assert.equal(caller.call("fd_close", fd), "badf");
  assert.equal(caller.call("fd_close", 1), "badf");
});
